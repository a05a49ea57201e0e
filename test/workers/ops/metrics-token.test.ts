/** Who may read `/metrics` (decision 27). */
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { issueOperatorToken } from '../../../src/accounts/operator-token.ts'
import { decodeBase64 } from '../../../src/protocol/base64.ts'
import type { TestServer } from '../../support/server.ts'
import { serving } from '../../support/serving.ts'

const TOKEN = 'a-token-for-Prometheus'
const guarded = serving(['alice'], { 'metrics-token': TOKEN })
const open = serving()
const elsewhere = serving([], { 'public-url': 'https://matrix.example.org' })

async function ask({ url }: TestServer, headers: Record<string, string> = {}) {
  const answer = await fetch(`${url}/metrics`, { headers })
  const text = await answer.text()
  const errcode = answer.ok ? undefined : (JSON.parse(text) as { errcode: string }).errcode
  return [answer.status, errcode]
}

/** With headers that `fetch` keeps for itself. */
function rawStatus({ url }: TestServer, headers: Record<string, string>): Promise<number | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<number | undefined>()
  request(`${url}/metrics`, { headers }, (answer) => {
    answer.resume()
    resolve(answer.statusCode)
  })
    .on('error', reject)
    .end()
  return promise
}

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

describe('with a metrics token', () => {
  it.each([
    ['as a bearer token', `Bearer ${TOKEN}`],
    ['as the password of any name', basic(`prometheus:${TOKEN}`)],
    ['as the password of no name', basic(`:${TOKEN}`)],
  ])('metrics are read with it %s', async (_, authorization) => {
    expect(await ask(guarded.server, { authorization })).toEqual([200, undefined])
  })

  it.each([
    ['nothing', undefined, 'M_MISSING_TOKEN'],
    ['another token', 'Bearer another-token-of-it', 'M_UNKNOWN_TOKEN'],
    ['a beginning of it', `Bearer ${TOKEN.slice(0, -1)}`, 'M_UNKNOWN_TOKEN'],
    ['another password', basic('prometheus:x'), 'M_MISSING_TOKEN'],
    ['it as the name', basic(`${TOKEN}:`), 'M_MISSING_TOKEN'],
    ['another scheme', `Digest ${TOKEN}`, 'M_MISSING_TOKEN'],
  ])('%s does not do', async (_, authorization, errcode) => {
    expect(await ask(guarded.server, authorization === undefined ? {} : { authorization })).toEqual([
      401,
      errcode,
    ])
  })

  it('a user without rights is refused, and an administrator is not', async () => {
    const authorization = `Bearer ${guarded.alice.token}`
    expect(await ask(guarded.server, { authorization })).toEqual([403, 'M_FORBIDDEN'])
    await guarded.server.pg("UPDATE accounts SET admin = true WHERE localpart = 'alice'")
    await expect
      .poll(() => ask(guarded.server, { authorization }), { timeout: 20_000 })
      .toEqual([200, undefined])
  })

  it("the operator's token does too", async () => {
    const { token_keys } = JSON.parse(readFileSync(join(guarded.server.folder, 'keys.json'), 'utf8')) as {
      token_keys: { id: string; secret: string }[]
    }
    const keys = token_keys.map(({ id, secret }) => ({ id, secret: decodeBase64(secret) }))
    const token = await issueOperatorToken(keys, guarded.server.serverName)
    expect(await ask(guarded.server, { authorization: `Bearer ${token}` })).toEqual([200, undefined])
  })
})

describe('without one', () => {
  it('programs of the same machine need none, where the server is for that machine alone', async () => {
    expect(await ask(open.server)).toEqual([200, undefined])
  })

  it.each([
    ['a proxy passed it on', { 'x-forwarded-for': '203.0.113.7' }],
    ['a proxy says so itself', { via: '1.1 proxy' }],
    ['a page of another site asks', { 'sec-fetch-site': 'cross-site' }],
    ['it was sent to a name that leads here', { host: 'evil.example:8008' }],
  ])('a request needs one when %s', async (_, headers) => {
    expect(await rawStatus(open.server, headers as Record<string, string>)).toBe(401)
  })

  it('everybody needs one where the server has a public address', async () => {
    expect(await ask(elsewhere.server)).toEqual([401, 'M_MISSING_TOKEN'])
  })
})
