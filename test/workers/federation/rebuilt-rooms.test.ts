/** Rooms of other servers that are made again from Postgres: other servers are asked for what came since. */
import { expect, it } from 'vitest'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { type Body, must } from '../../support/client.ts'
import { guest } from '../../support/federation/guest.ts'
import { tellHistory, tellNewest } from '../../support/federation/history.ts'
import { take } from '../../support/federation/joiner.ts'
import { federating, newRemote, remote } from '../../support/federation/remote.ts'
import { RemoteRoom } from '../../support/federation/remote-room.ts'
import { at, bodies, history, wipeAndRebuildRoom } from '../../support/rebuild.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { server, http, alice } = serving(['alice'], federating)

const say = (room: RemoteRoom, body: string) =>
  room.send({ type: 'm.room.message', content: { msgtype: 'm.text', body } })

/** A room of the other server that Alice is in, with history from before her join. */
async function joined(): Promise<RemoteRoom> {
  const room = new RemoteRoom(other, '11').serve()
  tellHistory(room)
  for (const body of ['one', 'two']) say(room, body)
  must(await alice.post(`/join/${encodeURIComponent(room.roomId)}?via=${other.name}`))
  return room
}

it('has the history from before the join, and what nobody has told it', async () => {
  const room = await joined()
  const { roomId } = room
  await alice.say(roomId, 'from here')
  expect(bodies(must(await alice.get(at(roomId, 'messages'), { dir: 'b' })).body.chunk)).toEqual([
    'from here',
    'two',
    'one',
  ])
  const state = async () =>
    must(await alice.get(at(roomId, 'state')))
      .body.map(({ event_id }: Body) => event_id)
      .sort()
  const before = await state()
  await wipeAndRebuildRoom(server, roomId, alice)
  expect(bodies(await history(alice, roomId))).toEqual(['one', 'two', 'from here'])
  expect(await state()).toEqual(before)

  say(room, 'nobody told')
  say(room, 'nor this')
  tellNewest(room)
  await wipeAndRebuildRoom(server, roomId, alice)
  expect(bodies(await history(alice, roomId)).slice(-2)).toEqual(['nobody told', 'nor this'])
})

it('comes back although no other server answers', async () => {
  const { roomId } = await joined()
  await other.stop()
  await wipeAndRebuildRoom(server, roomId, alice)
  must(await alice.get(at(roomId, 'state/m.room.name')))
  await other.start()
})

it('still tells a server that was away who joined through this one', async () => {
  const SEND = '/_matrix/federation/v1/send/'
  const third = newRemote()
  await third.start()
  const version = '11'
  const roomId = await alice.createRoom({ preset: 'public_chat', room_version: version })
  const zoe = guest('zoe', { http, host: alice, server: third, roomId, version })
  await zoe.join()
  third.on('PUT', SEND, () => ({ status: 503 }))
  await take(other, http, { membership: 'join', roomId, userId: `@eve:${other.name}` })
  const sent = () => third.received.filter(({ uri }) => uri.startsWith(SEND))
  await expect.poll(() => sent().length, { timeout: 10_000 }).toBe(1)
  await wipeAndRebuildRoom(server, roomId, alice)

  third.on('PUT', SEND, () => ({ body: { pdus: {} } }))
  must(await zoe.send([await zoe.make('back again')]))
  const told = () =>
    sent()
      .slice(1)
      .flatMap(({ body }) => body.pdus as Pdu[])
      .map(({ sender, content }) => [sender, content.membership])
  await expect.poll(told, { timeout: 10_000 }).toEqual([[`@eve:${other.name}`, 'join']])
  await third.stop()
})
