/** The setting that names the systems whose tokens are taken. */
import { exportJWK, exportPKCS8, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'
import { TokenIssuers } from '../../../src/accounts/tokens/issuers.ts'
import type { Body } from '../../support/client.ts'
import { AUDIENCE, ISSUER, issuer, newKey, SECRET } from '../../support/tokens.ts'

const [rsa, ec] = await Promise.all([newKey('RS256'), newKey('ES256')])
const wide = await newKey('ES384')
const { privateKey } = await generateKeyPair('RS256', { extractable: true })
const [pkcs8, privateJwk] = await Promise.all([exportPKCS8(privateKey), exportJWK(privateKey)])

const read = (...list: Body[]) => TokenIssuers.safeParse(list)
const problems = (...list: Body[]) =>
  (read(...list).error?.issues ?? []).map(({ path, message }) => [...path, message].join(' '))

describe('a system of the settings', () => {
  it('has cautious defaults', () => {
    expect(read(issuer()).data).toEqual([
      {
        issuer: ISSUER,
        proof: {
          kind: 'keys',
          keys: [{ jwk: { kty: 'oct', k: Buffer.from(SECRET).toString('base64url') } }],
          audience: [AUDIENCE],
        },
        userClaim: 'sub',
        userPrefix: '',
        distinguishCase: false,
        nameClaim: 'name',
        pictureClaim: 'picture',
        updateProfile: false,
        createAccounts: true,
        existingAccounts: false,
        sessionMs: 3_600_000,
        leewaySeconds: 30,
        maxTokenSeconds: 86_400,
      },
    ])
  })

  it('that is an Auth.js has the names of its cookies, and a month for its tokens', () => {
    const [given] = read(issuer({ authjs: { secrets: ['x'] } })).data ?? []
    expect(given).toMatchObject({
      proof: { cookies: ['__Secure-authjs.session-token', 'authjs.session-token'] },
      maxTokenSeconds: 2_592_000,
    })
  })

  it('has public keys as PEM and as JWK, with their ids', () => {
    const keys = [{ pem: rsa.pem, id: 'a' }, { jwk: { ...ec.jwk, kid: 'b' } }]
    const [given] = read(issuer({ keys })).data ?? []
    expect(given?.proof).toMatchObject({
      keys: [
        { id: 'a', jwk: { kty: 'RSA' } },
        { id: 'b', jwk: { kty: 'EC' } },
      ],
    })
  })

  it.each<[string, Body, string]>([
    ['a secret that is short', { keys: [{ secret: 'short' }] }, '32 bytes'],
    ['a secret that is short, as a JWK', { keys: [{ jwk: { kty: 'oct', k: 'c2hvcnQ' } }] }, '32 bytes'],
    ['a private key', { keys: [{ pem: pkcs8 }] }, 'public key'],
    ['a private key, as a JWK', { keys: [{ jwk: privateJwk }] }, 'public key'],
    ['a key for another algorithm', { keys: [{ jwk: wide.jwk }] }, 'ES256'],
    ['a key for encryption', { keys: [{ jwk: { ...ec.jwk, use: 'enc' } }] }, 'ES256'],
    ['a text that is no key', { keys: [{ pem: 'hello' }] }, 'must hold one of'],
    ['two forms of a key', { keys: [{ pem: rsa.pem, jwk: ec.jwk }] }, 'must hold one of'],
    ['no keys', { keys: [] }, 'keys'],
    ['no keys of any kind', { keys: undefined }, 'one of keys, key_set and authjs'],
    ['keys of two kinds', { key_set: 'https://a.example', keys: [{ secret: SECRET }] }, 'one of keys'],
    ['no audience', { audience: undefined }, 'audience'],
    ['an audience beside Auth.js', { authjs: { secrets: ['x'] }, audience: 'y' }, 'audience'],
    ['an address that is none', { key_set: 'ftp://a.example' }, 'key_set'],
    ['a prefix that no name may have', { user_prefix: 'School ' }, 'user_prefix'],
    ['a misspelt setting', { create_account: false }, 'create_account'],
    ['a session without time', { session_seconds: 0 }, 'session_seconds'],
    ['too much leeway', { leeway_seconds: 301 }, 'leeway_seconds'],
  ])('may not have %s', (_, more, named) => {
    const found = problems(issuer(more)).join('; ')
    expect(found).toContain(named)
    expect(found).not.toContain(SECRET)
  })

  it('is named once', () => {
    expect(problems(issuer(), issuer({ create_accounts: false }))).toEqual(['must not name an issuer twice'])
  })
})
