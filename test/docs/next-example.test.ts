/** The example of docs/applications.md, as far as it runs without Next: token, sign-in, stream. */
import { encode } from '@auth/core/jwt'
import { afterEach, expect, it } from 'vitest'
import { StreamClient } from '../../clients/stream/index.ts'
import { sessionToken } from '../../docs/examples/next/chat/authjs.ts'
import { signIn as enter } from '../../docs/examples/next/chat/sign-in.ts'
import { chatToken } from '../../docs/examples/next/chat/token.ts'
import { objectName } from '../support/server.ts'
import { serving } from '../support/serving.ts'
import { AUDIENCE, ISSUER, issuer, issuers, SECRET, signIn } from '../support/tokens.ts'

const AUTH_SECRET = 'what AUTH_SECRET is in the application'
const SHORT = 'https://short.example'

const { server, http, alice } = serving(['alice'], {
  staysAwake: 'the example asks by its own fetch',
  bindings: issuers(
    issuer(),
    issuer({ issuer: SHORT, session_seconds: 4 }),
    issuer({ issuer: 'app', authjs: { secrets: [AUTH_SECRET] } }),
  ),
})

/** What a browser keeps. */
function storage() {
  const items = new Map<string, string>()
  return {
    getItem: (name: string) => items.get(name) ?? null,
    setItem: (name: string, value: string) => void items.set(name, value),
  }
}

const opened: StreamClient[] = []
afterEach(() => {
  for (const client of opened.splice(0)) client.close()
})

/** A window of the application, in which somebody is signed in: its client, and what that has told. */
function windowOf(id: string, { name, iss = ISSUER }: { name?: string; iss?: string } = {}) {
  const settings = { issuer: iss, audience: AUDIENCE, secret: SECRET }
  const kept = storage()
  const told: string[] = []
  let signIns = 0
  const token = async () => {
    signIns += 1
    const options = {
      homeserver: server.url,
      token: () => chatToken({ id, name }, settings),
      storage: kept,
    }
    return (await enter(options)).access_token
  }
  const client = new StreamClient({ url: server.url, token })
  client.on('event', ({ event }) => told.push(`${event.sender}: ${event.content.body}`))
  const lost: number[] = []
  client.on('retry', ({ code }) => lost.push(code))
  opened.push(client)
  return { client, told, lost, signIns: () => signIns }
}

it('has two people of the application talk in a group', async () => {
  const alias = '#class:test.example'
  const roomId = await alice.createRoom({ preset: 'public_chat', room_alias_name: 'class' })
  const [ann, ben] = [windowOf('Ann', { name: 'Ann Example' }), windowOf('Ben')]
  await Promise.all([ann.client.connect(), ben.client.connect()])
  expect(await ben.client.join(alias)).toBe(roomId)
  await ann.client.join(alias)
  await ann.client.send(roomId, 'Good morning')
  await expect.poll(() => ben.told, { timeout: 20_000 }).toContain('@ann:test.example: Good morning')
  expect((await http.request('GET', '/profile/@ann:test.example')).body.displayname).toBe('Ann Example')
  expect([ann.signIns(), ben.signIns()]).toEqual([1, 1])
})

it('renews its session on the open stream, on the same device, by another token', async () => {
  const { client, told, lost, signIns } = windowOf('Cleo', { iss: SHORT })
  await client.connect()
  const roomId = await client.join(await alice.createRoom({ preset: 'public_chat' }))
  await expect.poll(signIns, { timeout: 30_000 }).toBeGreaterThan(3)
  await alice.say(roomId, 'Still here?')
  await expect.poll(() => told, { timeout: 20_000 }).toContain(`${alice.userId}: Still here?`)
  expect(lost).toEqual([])
  const name = objectName.user(server.serverName, '@cleo:test.example')
  expect(await server.sql('USER', name, 'SELECT device_id FROM devices')).toHaveLength(1)
})

it('finds the session token of Auth.js among the cookies, in one piece or in several', async () => {
  const salt = '__Secure-authjs.session-token'
  const token = await encode({ token: { sub: 'dora' }, secret: AUTH_SECRET, salt })
  const [first, second] = [token.slice(0, 50), token.slice(50)]
  const inPieces = [
    { name: `${salt}.1`, value: second },
    { name: 'other', value: 'x' },
    { name: `${salt}.0`, value: first },
  ]
  expect(sessionToken([{ name: salt, value: token }])).toBe(token)
  expect(sessionToken(inPieces)).toBe(token)
  expect(sessionToken([{ name: 'other', value: 'x' }])).toBeUndefined()
  expect((await signIn(http, sessionToken(inPieces))).body.user_id).toBe('@dora:test.example')
})
