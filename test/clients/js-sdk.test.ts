/** matrix-js-sdk, the library of Element Web and most web clients: two people meet, talk and part. */
import {
  ClientEvent,
  createClient,
  type EmittedEvents,
  EventType,
  type MatrixClient,
  type MatrixEvent,
  MsgType,
  Preset,
  type Room,
  RoomEvent,
  RoomMemberEvent,
  RoomStateEvent,
  SyncState,
} from 'matrix-js-sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { watchAnswer } from '../contract/watch.ts'
import { testPassword } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { silent } from './silence.ts'

/** What a client asked, and how it was answered. */
interface Exchange {
  request: string
  status: number
  errcode?: string
}

/** The only requests that fail, and how: what this server does not have yet, and what the tests expect it to refuse. */
const FAILURES: [RegExp, string][] = [
  [/^GET .*\/org\.matrix\.msc4143\/rtc\/transports$/, '404 M_UNRECOGNIZED'],
  [/^GET .*\/account\/whoami$/, '401 M_UNKNOWN_TOKEN'],
  [/^PUT .*\/send\/m\.room\.message\/[^/]+$/, '403 M_FORBIDDEN'],
]

/** Longer than a test may take: what comes has not waited for the end of a poll. */
const POLL_MS = 120_000

const exchanges: Exchange[] = []
const clients: MatrixClient[] = []
let server: TestServer

/** `fetch`, noting each request and its answer. */
const noting: typeof fetch = async (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input)
  const answer = await fetch(input, init)
  const { status } = answer
  const method = init?.method ?? 'GET'
  const exchange: Exchange = { request: `${method} ${url.pathname}`, status }
  const body = (await answer.clone().json()) as { errcode?: string }
  watchAnswer({ method, url: url.href, status, contentType: answer.headers.get('content-type') ?? '', body })
  if (!answer.ok) exchange.errcode = body.errcode
  exchanges.push(exchange)
  return answer
}

function connect(
  credentials: { userId?: string; accessToken?: string; deviceId?: string } = {},
): MatrixClient {
  const client = createClient({ baseUrl: server.url, fetchFn: noting, logger: silent, ...credentials })
  clients.push(client)
  return client
}

async function register(username: string): Promise<MatrixClient> {
  const auth = { type: 'm.login.dummy' }
  const made = await connect().registerRequest({ username, password: testPassword, auth })
  return connect({ userId: made.user_id, accessToken: made.access_token!, deviceId: made.device_id! })
}

async function login(user: string): Promise<MatrixClient> {
  const identifier = { type: 'm.id.user', user }
  const made = await connect().loginRequest({ type: 'm.login.password', identifier, password: testPassword })
  return connect({ userId: made.user_id, accessToken: made.access_token, deviceId: made.device_id })
}

/** The arguments of the first emission, from now on, that is as wanted. */
function emitted<Args extends unknown[]>(
  client: MatrixClient,
  event: EmittedEvents,
  isWanted: (...args: Args) => boolean,
): Promise<Args> {
  return new Promise((resolve) => {
    const listener = (...args: unknown[]) => {
      if (!isWanted(...(args as Args))) return
      client.off(event, listener)
      resolve(args as Args)
    }
    client.on(event, listener)
  })
}

async function start(client: MatrixClient): Promise<void> {
  const prepared = emitted<[SyncState]>(client, ClientEvent.Sync, (state) => state === SyncState.Prepared)
  await client.startClient({ initialSyncLimit: 20, pollTimeout: POLL_MS })
  await prepared
}

/** A text arriving in a client's live timeline. */
async function arrival(client: MatrixClient, text: string): Promise<MatrixEvent> {
  const [event] = await emitted<[MatrixEvent, Room | undefined, boolean | undefined]>(
    client,
    RoomEvent.Timeline,
    (event, _room, toStart) => event.getContent().body === text && !toStart,
  )
  return event
}

/** The sender's own copy coming back by sync, where it replaces what the client had shown meanwhile. */
const echo = (client: MatrixClient, text: string) =>
  emitted<[MatrixEvent]>(
    client,
    RoomEvent.LocalEchoUpdated,
    (event) => event.getContent().body === text && event.status === null,
  )

const membership = (client: MatrixClient, roomId: string, wanted: string) =>
  emitted<[Room, string]>(
    client,
    RoomEvent.MyMembership,
    (room, now) => room.roomId === roomId && now === wanted,
  )

let alice: MatrixClient
let bob: MatrixClient
let roomId: string

beforeAll(async () => {
  server = await startServer()
  alice = await register('alice')
  bob = await register('bob')
  await Promise.all([start(alice), start(bob)])
})
afterAll(async () => {
  for (const client of clients) client.stopClient()
  await server?.stop()
})

describe('two people with matrix-js-sdk', () => {
  it('make a room, and the invited one sees the invite and joins', async () => {
    const invited = emitted<[Room, string]>(bob, RoomEvent.MyMembership, (_, now) => now === 'invite')
    const created = await alice.createRoom({
      name: 'Weaving',
      preset: Preset.PrivateChat,
      invite: [bob.getSafeUserId()],
    })
    roomId = created.room_id
    const [room] = await invited
    expect([room.roomId, room.name]).toEqual([roomId, 'Weaving'])
    const seen = emitted(
      alice,
      RoomMemberEvent.Membership,
      (_event: MatrixEvent, member: { userId: string; membership?: string }) =>
        member.userId === bob.getSafeUserId() && member.membership === 'join',
    )
    await bob.joinRoom(roomId)
    await seen
    const members = alice.getRoom(roomId)!.getJoinedMembers()
    expect(members.map(({ userId }) => userId).sort()).toEqual([alice.getSafeUserId(), bob.getSafeUserId()])
  })

  it.each([
    ['from the one to the other', () => [alice, bob] as const],
    ['back', () => [bob, alice] as const],
  ])('talk %s, and the message ends the poll that waits', async (direction, pair) => {
    const [sender, receiver] = pair()
    const arriving = arrival(receiver, direction)
    const comesBack = echo(sender, direction)
    const { event_id: eventId } = await sender.sendTextMessage(roomId, direction)
    const event = await arriving
    expect([event.getId(), event.getSender()]).toEqual([eventId, sender.getSafeUserId()])
    expect((await comesBack)[0].getId()).toBe(eventId)
    const mine = sender.getRoom(roomId)!.getLiveTimeline().getEvents()
    expect(mine.filter((known) => known.getContent().body === direction)).toHaveLength(1)
  })

  it('see each other type', async () => {
    const typing = emitted(
      bob,
      RoomMemberEvent.Typing,
      (_event: MatrixEvent, member: { userId: string; typing: boolean }) =>
        member.userId === alice.getSafeUserId() && member.typing,
    )
    await alice.sendTyping(roomId, true, 10_000)
    await typing
  })

  it('see a change of the state', async () => {
    const changed = emitted<[MatrixEvent]>(
      bob,
      RoomStateEvent.Events,
      (event) => event.getType() === EventType.RoomName && event.getContent().name === 'Looms',
    )
    const renamed = emitted<[Room]>(bob, RoomEvent.Name, (room) => room.name === 'Looms')
    await alice.setRoomName(roomId, 'Looms')
    await Promise.all([changed, renamed])
  })

  it('find the same room on a third device', async () => {
    const tablet = await login('alice')
    await start(tablet)
    const room = tablet.getRoom(roomId)!
    expect(room.name).toBe('Looms')
    const bodies = room.getLiveTimeline().getEvents()
    const texts = bodies.filter((event) => event.getType() === EventType.RoomMessage)
    expect(texts.map((event) => event.getContent().body)).toEqual(['from the one to the other', 'back'])
    const arriving = arrival(tablet, 'to every device')
    await bob.sendMessage(roomId, { msgtype: MsgType.Text, body: 'to every device' })
    await arriving
    tablet.stopClient()
    await tablet.logout()
    await expect(tablet.whoami()).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN', httpStatus: 401 })
    await expect(alice.whoami()).resolves.toMatchObject({ user_id: alice.getSafeUserId() })
  })

  it('leave the room', async () => {
    const gone = membership(bob, roomId, 'leave')
    await bob.leave(roomId)
    await gone
    await expect(bob.sendTextMessage(roomId, 'still here?')).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' })
  })

  it('log out while they sync', async () => {
    await bob.logout(true)
    await expect(bob.whoami()).rejects.toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' })
  })
})

it('every request was answered, except those that the tests refuse and those known to be absent', () => {
  const failed = exchanges.filter(({ status }) => status >= 400)
  const unexpected = failed.filter(
    ({ request, status, errcode }) =>
      !FAILURES.some(([pattern, failure]) => pattern.test(request) && failure === `${status} ${errcode}`),
  )
  expect(unexpected).toEqual([])
  const asked = exchanges.map(({ request }) => request)
  for (const path of ['/versions', '/v3/capabilities', '/v3/pushrules/', '/v3/sync']) {
    expect(asked).toContain(`GET /_matrix/client${path}`)
  }
})
