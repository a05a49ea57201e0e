/** Sign-in by tokens of another system: which tokens are good, and whose accounts they open. */
import { CompactSign } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Body, must, testPassword } from '../../../support/client.ts'
import { startServer } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'
import {
  AUDIENCE,
  claims,
  issuer,
  issuers,
  logOf,
  newKey,
  now,
  refusedSignIn,
  SECRET,
  sharedKey,
  signed,
  signIn,
} from '../../../support/tokens.ts'

const [rsa, ec, ed, foreign] = await Promise.all([
  newKey('RS256'),
  newKey('ES256'),
  newKey('EdDSA', 'ed-1'),
  newKey('RS256'),
])
const log = logOf()
const PREFIXED = 'https://clinic.example'
const OPEN_TO_OLD = 'https://moving.example'
const STRICT = 'https://strict.example'

const { server, http, alice, admin } = serving(['alice', 'admin'], {
  'log-level': 'info',
  writeLog: log.write,
  bindings: issuers(
    issuer({ keys: [{ secret: SECRET }, { pem: rsa.pem }, { jwk: ec.jwk }, { jwk: ed.jwk }] }),
    issuer({
      issuer: PREFIXED,
      user_prefix: 'clinic-',
      user_claim: 'login',
      distinguish_case: true,
    }),
    issuer({ issuer: OPEN_TO_OLD, existing_accounts: true }),
    issuer({ issuer: STRICT, create_accounts: false }),
  ),
})

beforeAll(async () => {
  await server.pg("update accounts set admin = true where localpart = 'admin'")
})

const failure = ({ status, body }: Answer) => [status, body.errcode]
const whoami = (token: string) => http.request('GET', '/account/whoami', undefined, { token })
const enter = async (sub: unknown, more: Body = {}, wishes: Body = {}) =>
  signIn(http, await signed(sharedKey, claims(sub, more)), wishes)
const profileOf = async (userId: string) => (await http.request('GET', `/profile/${userId}`)).body
const part = (json: Body) => Buffer.from(JSON.stringify(json)).toString('base64url')

describe('a server', () => {
  it('offers the sign-in where its settings name a system', async () => {
    const { flows } = (await http.request('GET', '/login')).body
    expect(flows).toEqual([{ type: 'm.login.password' }, { type: 'org.matrix.login.jwt' }])
  })

  it('neither offers nor takes it without', async () => {
    const plain = await startServer({ staysAwake: 'it is asked twice' })
    try {
      const ask = (method: string, body?: Body) =>
        fetch(`${plain.url}/_matrix/client/v3/login`, { method, body: body && JSON.stringify(body) })
      expect(await (await ask('GET')).json()).toEqual({ flows: [{ type: 'm.login.password' }] })
      const token = await signed(sharedKey, claims('nina'))
      const refused = await ask('POST', { type: 'org.matrix.login.jwt', token })
      expect([refused.status, await refused.json()]).toMatchObject([400, { errcode: 'M_UNKNOWN' }])
    } finally {
      await plain.stop()
    }
  })
})

describe('a token', () => {
  it.each([
    ['HS256', sharedKey],
    ['RS256', rsa],
    ['ES256', ec],
    ['EdDSA', ed],
  ])('of %s signs its user in', async (alg, key) => {
    const answer = await signIn(http, await signed(key, claims(`user-${alg}`)), { device_id: 'APP' })
    const userId = `@user-${alg.toLowerCase()}:test.example`
    expect([answer.status, answer.body.user_id, answer.body.device_id]).toEqual([200, userId, 'APP'])
    expect((await whoami(answer.body.access_token)).body).toMatchObject({ user_id: userId, device_id: 'APP' })
  })

  it.each<[string, Body, Body]>([
    ['has ended within the leeway', { exp: now() - 5 }, {}],
    ['begins within the leeway', { nbf: now() + 20 }, {}],
    ['is for several, us among them', { aud: ['https://other.example', AUDIENCE] }, {}],
    ['has no type', {}, { typ: undefined }],
    ['has the long form of its type', {}, { typ: 'application/jwt' }],
    ['names a key where the settings name none', {}, { kid: 'any' }],
  ])('is good if it %s', async (title, more, header) => {
    const payload = claims(title.replaceAll(/[^a-z]/g, '-'), more)
    const { status } = await signIn(http, await signed(sharedKey, payload, header))
    expect(status).toBe(200)
  })

  it('means by the last of two equal claims what it is checked for and who it is for', async () => {
    const text = JSON.stringify(claims('last')).replace('{', '{"sub":"first","aud":"https://other.example",')
    const token = await new CompactSign(new TextEncoder().encode(text))
      .setProtectedHeader({ alg: 'HS256' })
      .sign(sharedKey.privateKey)
    expect((await signIn(http, token)).body.user_id).toBe('@last:test.example')
  })

  const refused: [title: string, reason: string, make: () => unknown][] = [
    ['with a signature by another key', 'signature', () => signed(foreign, claims('eve'))],
    ['whose payload was changed', 'signature', async () => tampered(await signed(rsa, claims('eve')))],
    ['without a signature', 'algorithm', () => `${part({ alg: 'none' })}.${part(claims('eve'))}.`],
    [
      'that is signed with the public key as if it were a secret',
      'signature',
      () => signed({ ...sharedKey, privateKey: new TextEncoder().encode(rsa.pem) }, claims('eve')),
    ],
    [
      'that names an algorithm nobody asked for',
      'algorithm',
      () => signed({ ...sharedKey, alg: 'HS512', privateKey: new Uint8Array(64) }, claims('eve')),
    ],
    ['that names a key that is not there', 'key', () => signed(ed, claims('eve'), { kid: 'ed-2' })],
    ['of a system that is not named', 'issuer', () => made({ iss: 'https://other.example' })],
    ['of no system', 'issuer', () => made({ iss: undefined })],
    ['for another server', 'audience', () => made({ aud: 'https://other.example' })],
    ['for nobody', 'audience', () => made({ aud: undefined })],
    ['for several others', 'audience', () => made({ aud: ['https://a.example', 'https://b.example'] })],
    ['that has ended', 'expired', () => made({ exp: now() - 31 })],
    ['that does not end', 'claims', () => made({ exp: undefined })],
    ['that ends in a thousand years', 'lifetime', () => made({ exp: now() + 31_557_600_000 })],
    ['whose end is no number', 'claims', () => made({ exp: 'tomorrow' })],
    ['that begins later', 'not yet valid', () => made({ nbf: now() + 60 })],
    ['of another type', 'type', () => signed(sharedKey, claims('eve'), { typ: 'logout+jwt' })],
    [
      'with a header that must be understood',
      'form',
      async () => {
        return new CompactSign(new TextEncoder().encode(JSON.stringify(claims('eve'))))
          .setProtectedHeader({ alg: 'HS256', crit: ['x-school'], 'x-school': 1 })
          .sign(sharedKey.privateKey, { crit: { 'x-school': true } })
      },
    ],
    ['without a subject', 'subject', () => made({ sub: undefined })],
    ['with an empty subject', 'subject', () => made({ sub: '' })],
    ['with a subject that is no text', 'subject', () => made({ sub: ['eve'] })],
    ['with a subject of half a character', 'subject', () => made({ sub: '\ud800' })],
    ['with a subject that holds NUL', 'subject', () => made({ sub: 'eve\0' })],
    ['with a subject of 256 bytes', 'subject', () => made({ sub: 'e'.repeat(256) })],
    ['whose user id would be too long', 'subject', () => made({ sub: 'é'.repeat(60) })],
    ['of 17 KB', 'size', () => made({ more: 'x'.repeat(13_000) })],
    ['of 100 KB', 'size', () => `${'x'.repeat(50_000)}.${'y'.repeat(50_000)}.z`],
    ['that is none', 'form', () => 'token'],
    ['of dots alone', 'form', () => '..'],
    ['of four dots', 'form', () => '....'],
    [
      'that is encrypted, where nobody has a key',
      'encryption',
      () => `${part({ alg: 'dir', enc: 'A256GCM' })}..${part({})}.${part({})}.${part({})}`,
    ],
    ['that is empty', 'form', () => ''],
  ]

  it.each(refused)(
    '%s is refused, with one line in the log and without a word of it',
    async (_, reason, make) => {
      const answer = await refusedSignIn(http, log, String(await make()), reason)
      expect([answer.status, answer.body]).toEqual([
        403,
        { errcode: 'M_FORBIDDEN', error: 'The token is not good for signing in here' },
      ])
    },
  )

  it('that is missing or no text is a bad request', async () => {
    expect(failure(await signIn(http, undefined))).toEqual([400, 'M_MISSING_PARAM'])
    expect(failure(await signIn(http, 7))).toEqual([400, 'M_BAD_JSON'])
  })
})

const made = (more: Body) => signed(sharedKey, claims('eve', more))

function tampered(token: string): string {
  const [header, , signature] = token.split('.')
  return `${header}.${part(claims('alice'))}.${signature}`
}

describe('a user name', () => {
  it.each([
    ['Anna.Example', 'anna.example'],
    ['bob@school.example', 'bob=40school.example'],
    ['Zoë', 'zo=c3=ab'],
    ['a=b c', 'a=3db=20c'],
    [1234, '1234'],
  ])('of the subject %j is %s', async (sub, localpart) => {
    expect((await enter(sub)).body.user_id).toBe(`@${localpart}:test.example`)
  })

  it('comes from the claim that the settings name, with their prefix, and keeps capitals apart', async () => {
    const { body } = await enter('ignored', { iss: PREFIXED, login: 'Dr_Ann' })
    expect(body.user_id).toBe('@clinic-_dr___ann:test.example')
  })

  it('is the name of one subject alone', async () => {
    expect((await enter('carol')).status).toBe(200)
    expect(failure(await enter('Carol'))).toEqual([403, 'M_FORBIDDEN'])
    expect((await enter('carol')).status).toBe(200)
  })
})

describe('an account', () => {
  it('is made once, however many sign-ins come at first', async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => enter('crowd')))
    expect(new Set(answers.map(({ status, body }) => `${status} ${body.user_id}`))).toEqual(
      new Set(['200 @crowd:test.example']),
    )
    expect(await server.pg("select subject from accounts where localpart = 'crowd'")).toHaveLength(1)
  })

  it('has no password', async () => {
    await enter('nopass')
    const body = { type: 'm.login.password', user: 'nopass', password: '' }
    expect(failure(await http.request('POST', '/login', body))).toEqual([403, 'M_FORBIDDEN'])
  })

  it('that somebody made here is not opened by a token with its name', async () => {
    expect(failure(await enter('alice'))).toEqual([403, 'M_FORBIDDEN'])
    await expect.poll(() => log.refusals().at(-1)?.reason).toBe('another account')
    expect((await http.login('alice')).userId).toBe(alice.userId)
  })

  it('that somebody made here is opened where the settings allow it, to one subject, and keeps its password', async () => {
    await http.register('mover', {})
    const first = await enter('mover', { iss: OPEN_TO_OLD, name: 'From elsewhere' })
    expect([first.status, first.body.user_id]).toEqual([200, '@mover:test.example'])
    expect(failure(await enter('Mover', { iss: OPEN_TO_OLD }))).toEqual([403, 'M_FORBIDDEN'])
    expect((await profileOf('@mover:test.example')).displayname).toBe('mover')
    expect((await http.login('mover', { password: testPassword })).userId).toBe('@mover:test.example')
  })

  it('of another system, of an administrator and of nobody any more stay closed even there', async () => {
    await enter('elsewhere')
    for (const name of ['boss', 'gone']) await http.register(name)
    await server.pg("update accounts set admin = true where localpart = 'boss'")
    await server.pg("update accounts set deactivated = true where localpart = 'gone'")
    for (const sub of ['elsewhere', 'boss', 'gone']) {
      expect(failure(await enter(sub, { iss: OPEN_TO_OLD }))).toEqual([403, 'M_FORBIDDEN'])
    }
  })

  it('is not made where the settings forbid it', async () => {
    expect(failure(await enter('stranger', { iss: STRICT }))).toEqual([403, 'M_FORBIDDEN'])
    await expect.poll(() => log.refusals().at(-1)).toMatchObject({ reason: 'no account', issuer: STRICT })
    expect(await server.pg("select 1 from accounts where localpart = 'stranger'")).toEqual([])
  })

  it('that was closed is closed to its tokens, erased or not', async () => {
    for (const [sub, erase] of [
      ['closed', false],
      ['erased', true],
    ] as const) {
      const { body } = await enter(sub)
      must(await admin.post(`/_selvedge/admin/accounts/${body.user_id}/deactivate`, { erase }))
      expect(failure(await enter(sub))).toEqual([403, 'M_FORBIDDEN'])
    }
    const left = await server.pg(
      "select localpart, subject from accounts where localpart in ('closed', 'erased')",
    )
    expect(left).toEqual(
      expect.arrayContaining([
        { localpart: 'closed', subject: 'closed' },
        { localpart: 'erased', subject: null },
      ]),
    )
  })
})
