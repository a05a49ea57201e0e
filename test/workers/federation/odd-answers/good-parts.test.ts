/** What counts of an answer or an event that is odd in part, and what is told of one that does not count. */
import { describe, expect, it } from 'vitest'
import { type Body, must } from '../../../support/client.ts'
import { guest } from '../../../support/federation/guest.ts'
import { tellHistory } from '../../../support/federation/history.ts'
import { federating, remote } from '../../../support/federation/remote.ts'
import { RemoteRoom } from '../../../support/federation/remote-room.ts'
import { serving } from '../../../support/serving.ts'

const other = remote()
const { alice, http } = serving(['alice'], {
  ...federating,
  unlikeArchive: { servers: 'a rebuild of rooms with gaps is refused' },
})

const V1 = '/_matrix/federation/v1'
const enc = encodeURIComponent
const roomOf = (version = '11', joinRule = 'public') => new RemoteRoom(other, version, { joinRule }).serve()
const join = (room: RemoteRoom) => alice.post(`/join/${enc(room.roomId)}?via=${other.name}`)
const at = (room: RemoteRoom, path: string) => `/rooms/${enc(room.roomId)}/${path}`
const say = (room: RemoteRoom, body: string) =>
  room.send({ type: 'm.room.message', content: { msgtype: 'm.text', body } })
const textsIn = async (room: RemoteRoom) =>
  must(await alice.get(at(room, 'messages'), { dir: 'b', limit: 50 }))
    .body.chunk.filter(({ type }: Body) => type === 'm.room.message')
    .map(({ content }: Body) => content.body)

describe('history', () => {
  it.each<[string, string]>([
    ['half a character', '{"type":"\\ud800"}'],
    ['a number that is none', '{"depth":1e400}'],
    ['something deep', `{"content":${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}}`],
    ['something that is no event', '7'],
    ['something longer than any event', `{"content":"${'x'.repeat(400_000)}"}`],
  ])('is taken from an answer that begins with %s', async (_, odd) => {
    const room = roomOf()
    tellHistory(room)
    const said = say(room, 'long ago')
    must(await join(room))
    const pdus = [...room.events.values()].map(({ pdu }) => JSON.stringify(pdu))
    other.on('GET', `${V1}/backfill/${enc(room.roomId)}`, () => ({ raw: `{"pdus":[${[odd, ...pdus]}]}` }))
    expect(await textsIn(room)).toEqual([said.pdu.content.body])
  })
})

describe('an answer to a join', () => {
  it('that leaves out members is not taken: nobody asked for that', async () => {
    const room = roomOf()
    room.onSend('join', () => ({ body: { ...room.joined(), members_omitted: true } }))
    const { status, body } = await join(room)
    expect([status, body.errcode]).toEqual([502, 'M_UNKNOWN'])
    expect(body.error).toContain('leaves out members')
  })

  it('is taken beside parts that nobody asked for, however large', async () => {
    const room = roomOf()
    room.onSend('join', (request) => {
      const good = JSON.stringify(room.joined()).slice(0, -1)
      room.take(request)
      return { raw: `${good},"event":"${'x'.repeat(5_000_000)}","more":"${'x'.repeat(5_000_000)}"}` }
    })
    must(await join(room))
  })

  it('stands on the greatest depth that there is, and the room goes on', async () => {
    const room = roomOf()
    room.onMake('join', () => {
      const body = room.template('join', alice.userId)
      return { body: { ...body, event: { ...body.event, depth: Number.MAX_SAFE_INTEGER } } }
    })
    must(await join(room))
    await alice.say(room.roomId, 'goes on')
  })
})

it('a proposal of a room version that is none is no answer, and is not repeated to the user', async () => {
  const room = roomOf()
  room.onMake('join', () => ({ body: { room_version: 'x'.repeat(200_000), event: {} } as Body }))
  const { status, body } = await join(room)
  expect([status, body.errcode]).toEqual([502, 'M_UNKNOWN'])
  expect(JSON.stringify(body).length).toBeLessThan(500)
})

it('an alias is found though its server names ten thousand servers', async () => {
  const servers = Array.from({ length: 10_000 }, (_, n) => `server-number-${n}.example`)
  const path = `${V1}/query/directory?room_alias=${enc(`#crowd:${other.name}`)}`
  other.on('GET', path, () => ({ body: { room_id: '!crowd:a.example', servers } as Body }))
  const { body } = must(await alice.get(`/directory/room/${enc(`#crowd:${other.name}`)}`))
  expect(body.room_id).toBe('!crowd:a.example')
  expect(body.servers.length).toBeLessThanOrEqual(51)
})

it('a knock is refused where what is told of the room is nested without end', async () => {
  const room = roomOf('11', 'knock')
  const deep = `${'{"a":'.repeat(15_000)}1${'}'.repeat(15_000)}`
  const name = `{"type":"m.room.name","state_key":"","sender":"${room.creator}","content":${deep}}`
  room.onSend('knock', () => ({ raw: `{"knock_room_state":[${name}]}` }))
  const { status, body } = await alice.post(`/knock/${enc(room.roomId)}?via=${other.name}`)
  expect([status, body.errcode]).toEqual([502, 'M_UNKNOWN'])
})

it('an event of the greatest depth that there is leaves the room as it was to write to', async () => {
  const roomId = await alice.createRoom({ preset: 'public_chat', room_version: '11' })
  const rob = guest('rob', { http, host: alice, server: other, roomId, version: '11' })
  await rob.join()
  const event = await rob.make('deep', { depth: Number.MAX_SAFE_INTEGER })
  expect(must(await rob.send([event])).body.pdus).toEqual({ [event.eventId]: {} })
  await alice.say(roomId, 'goes on')
  await alice.say(roomId, 'and on')
})

it('a state of 90,000 ids is looked at, and what is missing of it is not', async () => {
  const roomId = await alice.createRoom({ preset: 'public_chat', room_version: '11' })
  const rob = guest('rob', { http, host: alice, server: other, roomId, version: '11' })
  await rob.join()
  const ids = Array.from({ length: 90_000 }, (_, n) => `$${`${n}`.padStart(43, 's')}`)
  other.on('GET', `${V1}/state_ids/${enc(roomId)}`, () => ({
    body: { pdu_ids: ids, auth_chain_ids: [] } as Body,
  }))
  const events = await Promise.all(
    Array.from({ length: 6 }, (_, n) => rob.make(`${n}`, { prev: [`$${`${n}`.padStart(43, 'm')}`] })),
  )
  must(await rob.send(events))
  await alice.say(roomId, 'goes on')
})
