/** The table of rates: whole, and with a use for every row. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectRoot } from '../../../local/paths.ts'
import { ALLOWANCES, rateOf } from '../../../workers/middleware/rates.ts'

/** By a path that the compiler does not follow: the Workers' types are not Node's. */
const { app } = (await import(join(projectRoot, 'workers', 'app.ts'))) as {
  app: { routes: { method: string; path: string }[] }
}
const routes = app.routes.filter(({ method }) => method !== 'ALL')

it('every route of the app has a class', () => {
  expect(routes.length).toBeGreaterThan(200)
  const without = routes.filter(({ method, path }) => rateOf(method, path) === undefined)
  expect(without.map(({ method, path }) => `${method} ${path}`)).toEqual([])
})

it('a route that writes is in no class of reading', () => {
  const writing = routes.filter(({ method }) => method === 'PUT' || method === 'DELETE')
  const asReads = writing.filter(({ method, path }) => rateOf(method, path)?.rate === 'read')
  expect(asReads).toEqual([])
})

it('every class has a route, but those that count what is in a request', () => {
  const used = new Set(routes.map(({ method, path }) => rateOf(method, path)?.rate))
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
  expect(rateOf(method, path)?.rate).toBe(rate)
})
