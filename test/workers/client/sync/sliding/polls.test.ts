/** Sliding sync: polls that wait. */
import { expect, it } from 'vitest'
import type { Body } from '../../../../support/client.ts'
import { waitingRequest } from '../../../../support/faults.ts'
import { objectName } from '../../../../support/server.ts'
import { serving } from '../../../../support/serving.ts'
import { allRooms, connection } from './connection.ts'

const { server, http, someone } = serving()

const bodies = (room: Body) => room.timeline.map(({ content }: Body) => content.body)
const LONG = { timeout: 30_000 }

it('answers a poll that waits when a room comes into its range', async () => {
  const alice = await someone()
  const [old, other] = [await alice.createRoom(), await alice.createRoom()]
  const main = connection(http, alice)
  await main.ask(allRooms(0))
  const poll = await waitingRequest(http, alice, () => main.ask(allRooms(0), LONG))
  await alice.say(old, 'hello')
  const { rooms } = await poll.answer
  expect(Object.keys(rooms)).toEqual([old])
  expect(rooms[old]).toMatchObject({ initial: true, num_live: 1 })
  const next = await waitingRequest(http, alice, () => main.ask(allRooms(0), LONG))
  await alice.say(other, 'and here')
  expect(Object.keys((await next.answer).rooms)).toEqual([other])
})

it('answers a poll that waits after an eviction', async () => {
  const alice = await someone()
  const room = await alice.createRoom()
  const main = connection(http, alice)
  await main.ask(allRooms())
  const poll = await waitingRequest(http, alice, () => main.ask(allRooms(), LONG))
  await server.evict('USER', objectName.user(server.serverName, alice.userId))
  await alice.say(room, 'hello')
  expect(bodies((await poll.answer).rooms[room])).toEqual(['hello'])
})

it('ends with nothing but the counts, when its time is over', async () => {
  const alice = await someone()
  await alice.createRoom()
  const main = connection(http, alice)
  await main.ask(allRooms())
  const { pos, ...rest } = await main.ask({ ...allRooms(), txn_id: 'quiet' }, { timeout: 50 })
  expect(rest).toEqual({ lists: { all: { count: 1 } }, rooms: {}, extensions: {}, txn_id: 'quiet' })
  expect(pos).toEqual(expect.any(String))
})

it('ends a poll when its connection asks anew, and no other', async () => {
  const alice = await someone()
  const room = await alice.createRoom()
  const [main, other] = [connection(http, alice), connection(http, alice, 'other')]
  await main.ask(allRooms())
  await other.ask(allRooms())
  const elsewhere = await waitingRequest(http, alice, () => other.ask(allRooms(), LONG))
  const replaced = await waitingRequest(http, alice, () => main.lose(allRooms(), LONG))
  const poll = await waitingRequest(http, alice, () => main.ask(allRooms(), LONG))
  expect((await replaced.answer).body.rooms).toEqual({})
  await alice.say(room, 'hello')
  for (const one of [elsewhere, poll]) expect(bodies((await one.answer).rooms[room])).toEqual(['hello'])
})
