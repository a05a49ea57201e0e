/** What the fuzz has found, as a test each. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, api } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'

let server: TestServer
let http: Api

beforeAll(async () => {
  server = await startServer()
  http = api(server)
})
afterAll(() => server?.stop())

describe('text that Postgres cannot hold', () => {
  it('names no registration token', async () => {
    const path = '/_matrix/client/v1/register/m.login.registration_token/validity'
    const answer = await http.request('GET', path, undefined, { query: { token: 'a\0' } })
    expect([answer.status, answer.body]).toEqual([200, { valid: false }])
  })
})
