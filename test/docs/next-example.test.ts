/** The example of docs/applications.md, as far as it runs without Next: token, sign-in, connection. */
import { encode } from '@auth/core/jwt'
import { expect, it } from 'vitest'
import { sessionToken } from '../../docs/examples/next/chat/authjs.ts'
import { byToken, ChatConnection, type Message } from '../../docs/examples/next/chat/connection.ts'
import { chatToken } from '../../docs/examples/next/chat/token.ts'
import { serving } from '../support/serving.ts'
import { AUDIENCE, ISSUER, issuer, issuers, SECRET, signIn } from '../support/tokens.ts'

const AUTH_SECRET = 'what AUTH_SECRET is in the application'
const SHORT = 'https://short.example'

const { server, http, alice } = serving(['alice'], {
  staysAwake: 'the example asks by its own fetch',
  bindings: issuers(
    issuer(),
    issuer({ issuer: SHORT, session_seconds: 2 }),
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

function connect(id: string, { name, iss = ISSUER }: { name?: string; iss?: string } = {}) {
  const settings = { issuer: iss, audience: AUDIENCE, secret: SECRET }
  let tokens = 0
  const token = () => {
    tokens += 1
    return chatToken({ id, name }, settings)
  }
  const connection = new ChatConnection({
    homeserver: server.url,
    signIn: byToken(server.url, token),
    storage: storage(),
  })
  return { connection, tokens: () => tokens }
}

it('has two people of the application talk in a group', async () => {
  const alias = '#class:test.example'
  const roomId = await alice.createRoom({ preset: 'public_chat', room_alias_name: 'class' })
  const [ann, ben] = [connect('Ann', { name: 'Ann Example' }), connect('Ben')]
  const over = new AbortController()
  const heard: Message[] = []
  expect(await ben.connection.join(alias)).toBe(roomId)
  const listening = ben.connection.listen((message) => heard.push(message), over.signal)
  await ann.connection.join(alias)
  // What was said before the first look is no news: so it is said until it is heard.
  const saidUntilHeard = async () => {
    await ann.connection.say(roomId, 'Good morning')
    return heard.length
  }
  await expect.poll(saidUntilHeard, { timeout: 20_000, interval: 200 }).toBeGreaterThan(0)
  expect(heard[0]).toEqual({
    id: expect.stringMatching(/^\$/),
    roomId,
    sender: '@ann:test.example',
    text: 'Good morning',
  })
  expect((await http.request('GET', '/profile/@ann:test.example')).body.displayname).toBe('Ann Example')
  expect([ann.tokens(), ben.tokens()]).toEqual([1, 1])
  over.abort()
  await listening
})

it('signs in again before its session ends, on the same device', async () => {
  const { connection, tokens } = connect('Cleo', { iss: SHORT })
  const roomId = await connection.join(await alice.createRoom({ preset: 'public_chat' }))
  const said = async () => {
    await connection.say(roomId, 'Still here')
    return tokens()
  }
  await expect.poll(said, { timeout: 20_000, interval: 200 }).toBeGreaterThan(2)
  const name = `${server.serverName}/user/@cleo:test.example`
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
