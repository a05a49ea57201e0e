/** Where federation is off, which is the default, no path of it is known. */
import { expect, it } from 'vitest'
import { ROUTES } from '../../support/routes.ts'
import { serving } from '../../support/serving.ts'

const { http } = serving()

const ofServers = ROUTES.filter(
  ({ path, rows: [row] }) => /^\/_matrix\/(federation|key)\//.test(path) && row?.served !== undefined,
)

it('there are such paths', () => {
  expect(ofServers.length).toBeGreaterThan(3)
})

it.each(ofServers.map(({ method, path }) => ({ method, path })))(
  '$method $path is unknown',
  async ({ method, path }) => {
    const named = path.replace(/:\w+/g, 'x')
    const { status, body } = await http.request(method, named, method === 'GET' ? undefined : {})
    expect([status, body.errcode]).toEqual([404, 'M_UNRECOGNIZED'])
  },
)
