/** The classes of rates: one for every route, and a use for every class. */
import { expect, it } from 'vitest'
import { ALLOWANCES } from '../../../workers/middleware/rates.ts'
import { ROUTES, rowAt } from '../../support/routes.ts'

it('every route of the app has a class', () => {
  expect(ROUTES.length).toBeGreaterThan(200)
  const without = ROUTES.filter(({ rows: [row] }) => row?.limit === undefined)
  expect(without.map(({ method, path }) => `${method} ${path}`)).toEqual([])
})

it('a route that writes is in no class for reads', () => {
  const writing = ROUTES.filter(({ method }) => method === 'PUT' || method === 'DELETE')
  const asReads = writing.filter(({ rows: [row] }) => row?.limit === 'read')
  expect(asReads).toEqual([])
})

it('every class has a route, except those that count what is in a request', () => {
  const used = new Set(ROUTES.map(({ rows: [row] }) => row?.limit))
  expect(Object.keys(ALLOWANCES).filter((rate) => !used.has(rate as keyof typeof ALLOWANCES))).toEqual([
    'keyTargets',
    'toDevice',
    'picture',
  ])
})

it.each([
  ['POST', '/_matrix/client/v3/keys/query', 'keys'],
  ['POST', '/_matrix/client/r0/keys/claim', 'keys'],
  ['GET', '/_matrix/client/v3/publicRooms', 'search'],
  ['GET', '/_matrix/client/v1/media/thumbnail/:serverName/:mediaId', 'thumbnail'],
  ['GET', '/_matrix/client/v1/media/preview_url', 'preview'],
  ['GET', '/_matrix/media/v3/preview_url', 'preview'],
  ['PUT', '/_matrix/client/unstable/uk.tcpip.msc4133/profile/:userId/:key', 'write'],
  ['POST', '/_matrix/client/v3/login', 'entry'],
  ['PUT', '/_matrix/client/v3/unheard/of', undefined],
])('%s %s is of the class %s', (method, path, rate) => {
  expect(rowAt(method, path)?.limit).toBe(rate)
})
