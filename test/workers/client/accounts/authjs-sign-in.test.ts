/** Sign-in by the session tokens of Auth.js, made by its own library. */
import { hkdfSync } from 'node:crypto'
import { encode } from '@auth/core/jwt'
import { EncryptJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import type { Body } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'
import {
  claims,
  issuer,
  issuers,
  logOf,
  now,
  refusedSignIn,
  sharedKey,
  signed,
  signIn,
} from '../../../support/tokens.ts'

const APP_SECRET = 'the AUTH_SECRET of the application'
const OLD_SECRET = 'the AUTH_SECRET before it'
const SECURE = '__Secure-authjs.session-token'
const PLAIN = 'authjs.session-token'

const log = logOf()
const { http, server } = serving([], {
  'log-level': 'info',
  writeLog: log.write,
  bindings: issuers(
    issuer({ issuer: 'school', authjs: { secrets: [APP_SECRET, OLD_SECRET] } }),
    issuer({
      issuer: 'clinic',
      authjs: { secrets: ['another application’s'], cookies: ['clinic-session'] },
      user_claim: 'email',
      user_prefix: 'clinic.',
    }),
  ),
})

const session = (sub: string) => ({
  sub,
  name: 'Nina Nova',
  email: 'nina@school.example',
  picture: 'https://x/y',
})
const encoded = (more: Body = {}) =>
  encode({ token: session('nina'), secret: APP_SECRET, salt: PLAIN, ...more })

/** As older versions made them. */
async function older(
  key: { salt: string; info: string; secret?: string },
  header: Body = {},
): Promise<string> {
  const { salt, info, secret = APP_SECRET } = key
  return new EncryptJWT(session('older'))
    .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', ...header })
    .setExpirationTime(now() + 60)
    .encrypt(new Uint8Array(hkdfSync('sha256', secret, salt, info, 32)))
}

describe('a session token of Auth.js', () => {
  it.each([SECURE, PLAIN])('signs its user in, from the cookie %s', async (salt) => {
    const { status, body } = await signIn(http, await encoded({ salt }))
    expect([status, body.user_id, body.home_server]).toEqual([200, '@nina:test.example', 'test.example'])
    const profile = await http.request('GET', `/profile/${body.user_id}`)
    expect(profile.body).toEqual({ displayname: 'Nina Nova' })
  })

  it('is good with the secret before the newest, and with the whole month that it may live', async () => {
    expect((await signIn(http, await encoded({ secret: OLD_SECRET }))).status).toBe(200)
    expect((await signIn(http, await encoded({ secret: [OLD_SECRET, APP_SECRET] }))).status).toBe(200)
  })

  it('of an application with a cookie of another name and users by their addresses', async () => {
    const token = await encoded({ secret: 'another application’s', salt: 'clinic-session' })
    expect((await signIn(http, token)).body.user_id).toBe('@clinic.nina=40school.example:test.example')
  })

  it.each([
    ['Auth.js', { salt: PLAIN, info: `Auth.js Generated Encryption Key (${PLAIN})` }],
    ['NextAuth 4', { salt: '', info: 'NextAuth.js Generated Encryption Key' }],
  ])('with the older encryption of %s is good', async (_, key) => {
    expect((await signIn(http, await older(key))).body.user_id).toBe('@older:test.example')
  })

  const gcm = { salt: PLAIN, info: `Auth.js Generated Encryption Key (${PLAIN})` }

  it.each<[string, string, () => string | Promise<string>]>([
    ['with another secret', 'encryption', () => encoded({ secret: 'somebody else’s' })],
    ['from another cookie', 'encryption', () => encoded({ salt: 'clinic-session' })],
    ['that has ended', 'expired', () => encoded({ maxAge: -31 })],
    ['that lives a year', 'lifetime', () => encoded({ maxAge: 31_536_000 })],
    ['without a subject', 'subject', () => encoded({ token: { name: 'Nobody' } })],
    ['that is compressed', 'form', () => older(gcm, { zip: 'DEF' })],
    [
      'that was changed',
      'encryption',
      async () => (await encoded()).replace(/.$/, (end) => (end === 'A' ? 'Q' : 'A')),
    ],
    [
      'of another algorithm',
      'algorithm',
      async () => (await encoded()).replace(/^[^.]*/, header({ enc: 'A128GCM' })),
    ],
    [
      'whose key comes with it',
      'algorithm',
      async () => (await encoded()).replace(/^[^.]*/, header({ alg: 'A256KW' })),
    ],
  ])('%s is refused, and no word of it is logged', async (_, reason, make) => {
    const { status, body } = await refusedSignIn(http, log, await make(), reason)
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })

  it('is not made by signing with its secret, nor by the name of its system', async () => {
    const token = await signed(
      { ...sharedKey, privateKey: new TextEncoder().encode(APP_SECRET) },
      claims('nina', { iss: 'school' }),
    )
    expect((await signIn(http, token)).body.errcode).toBe('M_FORBIDDEN')
    expect(await server.pg("select 1 from accounts where localpart = 'nina'")).toHaveLength(1)
  })
})

function header(changes: Body): string {
  return Buffer.from(JSON.stringify({ alg: 'dir', enc: 'A256CBC-HS512', ...changes })).toString('base64url')
}
