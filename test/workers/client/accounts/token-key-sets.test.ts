/** Sign-in by tokens whose keys another system publishes. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Api, api, type Body } from '../../../support/client.ts'
import { planFault } from '../../../support/faults.ts'
import { listening } from '../../../support/listening.ts'
import { startServer, type TestServer } from '../../../support/server.ts'
import { claims, issuer, issuers, logOf, newKey, sharedKey, signed, signIn } from '../../../support/tokens.ts'

const [first, second, stray] = await Promise.all([
  newKey('RS256', 'first'),
  newKey('ES256', 'second'),
  newKey('RS256', 'stray'),
])

/** What the other system answers by path, and how often it was asked there. */
const answers = new Map<string, () => { status?: number; body?: string; location?: string }>()
const asked = new Map<string, number>()
const publish = (path: string, ...keys: Body[]) =>
  answers.set(path, () => ({ body: JSON.stringify({ keys }) }))

const at = listening((request, response) => {
  const path = request.url ?? ''
  asked.set(path, (asked.get(path) ?? 0) + 1)
  const { status = 200, body = '', location } = answers.get(path)?.() ?? { status: 404 }
  response.writeHead(status, {
    'content-type': 'application/json',
    ...(location !== undefined && { location }),
  })
  response.end(body)
})

const PATHS = ['/plain', '/rotating', '/flooded', '/moved', '/long', '/no-json', '/down', '/odd', '/late']
const issOf = (path: string) => `https://issuer.example${path}`

let server: TestServer
let http: Api
const log = logOf()

beforeAll(async () => {
  server = await startServer({
    'allow-private-networks': 'on',
    'log-level': 'info',
    writeLog: log.write,
    bindings: issuers(
      ...PATHS.map((path) =>
        issuer({ issuer: issOf(path), key_set: at(path), user_prefix: `${path.slice(1)}.` }),
      ),
    ),
  })
  http = api(server)
})
afterAll(() => server?.stop())

const failure = ({ status, body }: Answer) => [status, body.errcode]
const enter = async (path: string, key = first, header: Body = {}) =>
  signIn(http, await signed(key, claims('nina', { iss: issOf(path) }), header))

describe('the key set of a system', () => {
  it('is asked once for many sign-ins', async () => {
    publish('/plain', first.jwk, second.jwk)
    const all = await Promise.all([first, second, first, second, first].map((key) => enter('/plain', key)))
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200])
    expect(asked.get('/plain')).toBe(1)
  })

  it('is asked again for a key that is new, and forgets the one that is gone', async () => {
    publish('/rotating', first.jwk)
    expect((await enter('/rotating')).status).toBe(200)
    publish('/rotating', second.jwk)
    await planFault(http, 'key-set:no-pause')
    expect((await enter('/rotating', second)).status).toBe(200)
    expect(failure(await enter('/rotating', first))).toEqual([403, 'M_FORBIDDEN'])
    expect(asked.get('/rotating')).toBe(2)
  })

  it('is asked once for a flood of keys that nobody knows', async () => {
    publish('/flooded', first.jwk)
    const flood = Array.from({ length: 20 }, (_, index) =>
      enter('/flooded', stray, { kid: `made-up-${index}` }),
    )
    expect(new Set((await Promise.all(flood)).map(({ status }) => status))).toEqual(new Set([403]))
    expect((await enter('/flooded')).status).toBe(200)
    expect(asked.get('/flooded')).toBe(1)
    await expect.poll(() => log.refusals().map(({ reason }) => reason)).toContain('key')
  })

  it('is the only place for its keys: a redirect leads nowhere', async () => {
    publish('/elsewhere', first.jwk)
    answers.set('/moved', () => ({ status: 302, location: at('/elsewhere') }))
    expect(failure(await enter('/moved'))).toEqual([503, 'M_UNKNOWN'])
    expect(asked.get('/elsewhere')).toBeUndefined()
  })

  it.each([
    ['/long', () => ({ body: JSON.stringify({ keys: [first.jwk] }) + ' '.repeat(70_000) })],
    ['/no-json', () => ({ body: '<p>Hello</p>' })],
    ['/down', () => ({ status: 500 })],
  ])('that cannot be read at %s refuses no token for good', async (path, answer) => {
    answers.set(path, answer)
    expect(failure(await enter(path))).toEqual([503, 'M_UNKNOWN'])
    expect(failure(await enter(path))).toEqual([503, 'M_UNKNOWN'])
    expect(asked.get(path)).toBe(1)
  })

  it('goes on without asking while the system is away', async () => {
    publish('/late', first.jwk)
    expect((await enter('/late')).status).toBe(200)
    answers.delete('/late')
    expect((await enter('/late')).status).toBe(200)
    await planFault(http, 'key-set:no-pause')
    expect(failure(await enter('/late', second))).toEqual([503, 'M_UNKNOWN'])
    expect((await enter('/late')).status).toBe(200)
  })

  it('gives no secrets, no private keys, no keys for other uses and no broken ones', async () => {
    const { privateKey } = stray
    const exported = await (await import('jose')).exportJWK(privateKey as CryptoKey)
    publish(
      '/odd',
      { ...sharedKey.jwk, kid: 'shared' },
      { ...exported, kid: 'stray' },
      { ...second.jwk, use: 'enc' },
      { kty: 'RSA', kid: 'first', n: '!', e: '!' },
      null,
      first.jwk,
    )
    expect((await enter('/odd', first)).status).toBe(200)
    for (const [key, header] of [
      [sharedKey, { kid: 'shared' }],
      [stray, {}],
      [second, {}],
    ] as const) {
      expect(failure(await enter('/odd', key, header))).toEqual([403, 'M_FORBIDDEN'])
    }
  })
})
