/** What the fuzz has found, as a test each. */
import { describe, expect, it } from 'vitest'
import { serving } from '../support/serving.ts'

const { http } = serving()

describe('text that Postgres cannot hold', () => {
  it('names no registration token', async () => {
    const path = '/_matrix/client/v1/register/m.login.registration_token/validity'
    const answer = await http.request('GET', path, undefined, { query: { token: 'a\0' } })
    expect([answer.status, answer.body]).toEqual([200, { valid: false }])
  })
})
