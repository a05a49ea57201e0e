/** Whatever other servers answer, a request here ends with what is good of it, or with an error that says whose it is. */
import { expect, it } from 'vitest'
import type { RequestKind } from '../../../../src/protocol/federation/requests.ts'
import { type Answer, type Body, must } from '../../../support/client.ts'
import { guest } from '../../../support/federation/guest.ts'
import { tellHistory, tellNewest } from '../../../support/federation/history.ts'
import { oddReplies } from '../../../support/federation/odd-replies.ts'
import {
  federating,
  newRemote,
  type Received,
  type Reply,
  remote,
} from '../../../support/federation/remote.ts'
import { RemoteRoom } from '../../../support/federation/remote-room.ts'
import { serving } from '../../../support/serving.ts'

const other = remote()
const { alice, http, server } = serving(['alice'], {
  ...federating,
  unlikeArchive: { servers: 'a rebuild of rooms with gaps is refused' },
})

const V1 = '/_matrix/federation/v1'
const enc = encodeURIComponent
/** Answers of this server are no larger, whatever it was told. */
const LARGEST = 200_000

type Change = (good: Body) => Reply
type Handler = (request: Received) => Reply | Promise<Reply>

/** One request that makes this server ask, and what it answers. */
type Scene = (change: Change) => Promise<Answer>

/** From now on a path is answered oddly, in place of its handler's good answer. */
function oddly(method: string, path: string, good: Handler, change: Change): void {
  other.on(method, path, async (request) => change(((await good(request)) as { body: Body }).body))
}

const say = (room: RemoteRoom, body: string) =>
  room.send({ type: 'm.room.message', content: { msgtype: 'm.text', body } })
const join = (room: RemoteRoom) => alice.post(`/join/${enc(room.roomId)}?via=${other.name}`)
const at = (room: RemoteRoom, path: string) => `/rooms/${enc(room.roomId)}/${path}`
const pdusOf = (room: RemoteRoom): Body => ({ pdus: [...room.events.values()].map(({ pdu }) => pdu) })

/** A room with history of before alice's join. */
async function entered(): Promise<RemoteRoom> {
  const room = new RemoteRoom(other, '11').serve()
  tellHistory(room)
  tellNewest(room)
  for (const text of ['one', 'two', 'three']) say(room, text)
  must(await join(room))
  return room
}

/** A message after one that nobody has told. */
async function sendAfterMissing(room: RemoteRoom): Promise<Answer> {
  say(room, 'missed')
  const { pdu } = say(room, 'told')
  const content = { origin: other.name, origin_server_ts: Date.now(), pdus: [pdu] }
  return other.ask(http, 'PUT', `${V1}/send/${enc(pdu.hashes.sha256)}`, content as Body)
}

const SCENES: Record<Exclude<RequestKind, 'notary_keys'>, Scene> = {
  async backfill(change) {
    const room = await entered()
    oddly('GET', `${V1}/backfill/${enc(room.roomId)}`, () => ({ body: pdusOf(room) }), change)
    return alice.get(at(room, 'messages'), { dir: 'b' })
  },
  async state_ids(change) {
    const room = await entered()
    const body = { pdu_ids: [...room.state.values()], auth_chain_ids: [room.createId] } as Body
    oddly('GET', `${V1}/state_ids/${enc(room.roomId)}`, () => ({ body }), change)
    return alice.get(at(room, 'messages'), { dir: 'b' })
  },
  async event(change) {
    const room = await entered()
    const path = `${V1}/state_ids/${enc(room.roomId)}`
    other.on('POST', `${V1}/get_missing_events/${enc(room.roomId)}`, () => ({ status: 404 }))
    other.on('GET', path, () => ({
      body: { pdu_ids: [...room.state.values(), `$${'u'.repeat(43)}`], auth_chain_ids: [] } as Body,
    }))
    oddly('GET', `${V1}/event/`, () => ({ body: { ...pdusOf(room), origin: other.name } }), change)
    return sendAfterMissing(room)
  },
  async get_missing_events(change) {
    const room = await entered()
    const path = `${V1}/get_missing_events/${enc(room.roomId)}`
    oddly('POST', path, () => ({ body: { events: pdusOf(room).pdus } as Body }), change)
    return sendAfterMissing(room)
  },
  async timestamp_to_event(change) {
    const room = await entered()
    const body = { event_id: room.createId, origin_server_ts: 1 } as Body
    oddly('GET', `${V1}/timestamp_to_event/${enc(room.roomId)}`, () => ({ body }), change)
    return alice.get(`/_matrix/client/v1${at(room, 'timestamp_to_event')}`, { ts: 1, dir: 'f' })
  },
  async make_join(change) {
    const room = new RemoteRoom(other, '11').serve()
    room.onMake('join', () => change(room.template('join', alice.userId)))
    return join(room)
  },
  async send_join(change) {
    const room = new RemoteRoom(other, '11').serve()
    room.onSend('join', () => change({ ...room.joined(), event: room.pdu('m.room.create') }))
    return join(room)
  },
  async make_knock(change) {
    const room = new RemoteRoom(other, '11', { joinRule: 'knock' }).serve()
    room.onMake('knock', () => change(room.template('knock', alice.userId)))
    return alice.post(`/knock/${enc(room.roomId)}?via=${other.name}`)
  },
  async send_knock(change) {
    const room = new RemoteRoom(other, '11', { joinRule: 'knock' }).serve()
    room.onSend('knock', () => change({ knock_room_state: room.shown } as Body))
    return alice.post(`/knock/${enc(room.roomId)}?via=${other.name}`)
  },
  async make_leave(change) {
    const room = new RemoteRoom(other, '11', { joinRule: 'invite' }).serve()
    must(await room.sendInvite(http, room.invite(alice.userId)))
    room.onMake('leave', () => change(room.template('leave', alice.userId)))
    return alice.post(at(room, 'leave'))
  },
  async send_leave(change) {
    const room = new RemoteRoom(other, '11', { joinRule: 'invite' }).serve()
    must(await room.sendInvite(http, room.invite(alice.userId)))
    room.onSend('leave', () => change({ a: [] }))
    return alice.post(at(room, 'leave'))
  },
  async invite(change) {
    const good: Handler = ({ body: { event, room_version: version } }) => ({
      body: { event: new RemoteRoom(other, version).signed(event) } as Body,
    })
    oddly('PUT', '/_matrix/federation/v2/invite/', good, change)
    return alice.invite(await alice.createRoom({ room_version: '11' }), `@rob:${other.name}`)
  },
  async directory(change) {
    const room = new RemoteRoom(other, '11')
    const body = { room_id: room.roomId, servers: [other.name, 'a.example'] } as Body
    oddly('GET', `${V1}/query/directory`, () => ({ body }), change)
    return alice.get(`/directory/room/${enc(`#tea:${other.name}`)}`)
  },
  async server_keys(change) {
    const silent = newRemote()
    await silent.start()
    silent.on('GET', '/_matrix/key/v2/server', () => change(silent.serverKeys()))
    const answer = await silent.ask(http, 'GET', `${V1}/query/directory?room_alias=%23none%3Atest.example`)
    await silent.stop()
    return answer
  },
  async send(change) {
    const roomId = await alice.createRoom({ preset: 'public_chat', room_version: '11' })
    const hearing = newRemote()
    await hearing.start()
    await guest('rob', { http, host: alice, server: hearing, roomId, version: '11' }).join()
    let reply: Promise<Reply> | undefined
    hearing.on('PUT', `${V1}/send/`, () => {
      reply ??= Promise.resolve(change({ pdus: {} } as Body))
      return reply
    })
    await alice.say(roomId, 'hello')
    await expect.poll(() => reply, { timeout: 20_000 }).toBeDefined()
    const answer = await alice.get(`/rooms/${enc(roomId)}/state`)
    await hearing.stop()
    return answer
  },
}

const PATIENCE_MS = 180_000

it.each(Object.keys(SCENES) as (keyof typeof SCENES)[])(
  'odd answers to %s are no error of this server',
  { timeout: PATIENCE_MS },
  async (kind) => {
    const wrong: string[] = []
    for (const [what, reply] of oddReplies(kind.length)) {
      const { status, body } = await SCENES[kind](reply)
      const isGood = status < 500 || (status === 502 && body.errcode === 'M_UNKNOWN')
      const isSmall = JSON.stringify(body).length <= LARGEST
      // A token of a user here is good whatever another server says of one.
      const isOwn = body?.errcode !== 'M_UNKNOWN_TOKEN' && body?.errcode !== 'M_BAD_JSON'
      if (!isGood || !isSmall || !isOwn)
        wrong.push(`${what}: ${status} ${JSON.stringify(body).slice(0, 300)}`)
    }
    expect(wrong).toEqual([])
    must(await alice.sync())
    expect((await fetch(new URL('/health', server.url))).status).toBe(200)
  },
)
