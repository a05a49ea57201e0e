/** Access tokens. */
import { SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { issueAccessToken, verifyAccessToken } from '../../../src/accounts/access-token.ts'
import type { TokenKey } from '../../../src/ports/config.ts'
import { systemRandom } from '../../../src/system.ts'

const key = (id: string): TokenKey => ({ id, secret: systemRandom.bytes(32) })
const session = { userId: '@alice:test.example', deviceId: 'PHONE', sessionId: 'sid1' }
const server = 'test.example'

describe('access tokens', () => {
  it('bring the session back', async () => {
    const keys = [key('k1')]
    const token = await issueAccessToken(session, keys, server)
    expect(await verifyAccessToken(token, keys, server)).toEqual(session)
    expect(await verifyAccessToken(token, keys, server)).toEqual(session)
  })

  it('are signed with the newest key, and verified with every key', async () => {
    const [newest, oldest] = [key('k2'), key('k1')]
    const old = await issueAccessToken(session, [oldest], server)
    const fresh = await issueAccessToken(session, [newest, oldest], server)
    expect(await verifyAccessToken(old, [newest, oldest], server)).toEqual(session)
    expect(await verifyAccessToken(fresh, [oldest], server)).toBeUndefined()
  })

  it('are refused with a changed claim, another secret under the same id, or of another server', async () => {
    const keys = [key('k1')]
    const [header, , signature] = (await issueAccessToken(session, keys, server)).split('.')
    const claims = { sub: '@bob:test.example', did: 'PHONE', sid: 'sid1', iss: server }
    const forged = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`
    expect(await verifyAccessToken(forged, keys, server)).toBeUndefined()
    const stranger = await issueAccessToken(session, [key('k1')], server)
    expect(await verifyAccessToken(stranger, keys, server)).toBeUndefined()
    const elsewhere = await issueAccessToken(session, keys, 'other.example')
    expect(await verifyAccessToken(elsewhere, keys, server)).toBeUndefined()
  })

  it('are refused unsigned, with another algorithm, or with claims missing', async () => {
    const keys = [key('k1')]
    const claims = { did: 'PHONE', sid: 'sid1', sub: session.userId, iss: server }
    const unsigned = new UnsecuredJWT(claims).encode()
    expect(await verifyAccessToken(unsigned, keys, server)).toBeUndefined()
    const secret = keys[0]!.secret
    const longer = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS512', kid: 'k1' })
      .sign(new Uint8Array([...secret, ...secret]))
    expect(await verifyAccessToken(longer, keys, server)).toBeUndefined()
    const { did: _, ...without } = claims
    const short = await new SignJWT(without).setProtectedHeader({ alg: 'HS256', kid: 'k1' }).sign(secret)
    expect(await verifyAccessToken(short, keys, server)).toBeUndefined()
  })

  it.each(['', 'rubbish', 'a.b.c', 'syt_YWxpY2U_abcdefgh_012345', '..', '\u0000'])(
    '%j is none',
    async (text) => {
      expect(await verifyAccessToken(text, [key('k1')], server)).toBeUndefined()
    },
  )
})
