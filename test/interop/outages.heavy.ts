/** Rooms that users of Selvedge and of Synapse are in together, while something between or beneath them is away. */
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Client, must } from '../support/client.ts'
import { held, planFault } from '../support/faults.ts'
import { agreed, joinVia, pair, stateOf } from './pair.ts'
import { expectAll, numbered, sayAll, sayUntilHeard, talk } from './talk.ts'

const servers = pair()
let alice: Client
let sam: Client
beforeAll(async () => {
  alice = await servers.selvedge.http.register('alice')
  sam = await servers.synapse.http.register('sam')
})

/** A room in which both may do everything. */
async function sharedRoom(side: 'selvedge' | 'synapse'): Promise<{ roomId: string; levels: Levels }> {
  const [maker, other] = side === 'selvedge' ? [alice, sam] : [sam, alice]
  const roomId = await maker.createRoom({ preset: 'public_chat', room_version: '11' })
  await joinVia(other, roomId, servers[side].name)
  const path = `/rooms/${roomId}/state/m.room.power_levels`
  const { users, ...others } = must(await maker.get(path)).body
  const levels = { ...others, users: { ...users, [other.userId]: 100 } }
  must(await maker.put(path, levels))
  await agreed(roomId, alice, sam)
  return { roomId, levels }
}

interface Levels {
  events: Record<string, number>
}

async function changeAll(who: Client, roomId: string, { events, ...levels }: Levels): Promise<void> {
  const change = async (type: string, content: object) =>
    must(await who.put(`/rooms/${roomId}/state/${type}`, content))
  await change('m.room.topic', { topic: `topic of ${who.userId}` })
  await change('m.room.name', { name: `name of ${who.userId}` })
  await change('m.room.power_levels', { ...levels, events: { ...events, [`of.${who.deviceId}`]: 50 } })
}

it('a netsplit of rooms made on either side, with 300 messages and the same changes on both, ends in one state', async () => {
  const rooms = [await sharedRoom('selvedge'), await sharedRoom('synapse')]
  servers.split()
  const spoken = await Promise.all(
    rooms.map(async ({ roomId, levels }) => {
      const before = await talk({ alice, sam }, roomId, { count: 150 })
      await Promise.all([changeAll(alice, roomId, levels), changeAll(sam, roomId, levels)])
      expect(await stateOf(alice, roomId)).not.toEqual(await stateOf(sam, roomId))
      return [...before, ...(await talk({ alice, sam }, roomId, { count: 150, from: 151 }))]
    }),
  )
  servers.heal()
  for (const [index, { roomId }] of rooms.entries()) {
    const heard = await sayUntilHeard({ alice, sam }, roomId)
    await expectAll({ alice, sam }, roomId, [...spoken[index]!, ...heard])
    await agreed(roomId, alice, sam)
  }
}, 300_000)

describe('Selvedge is killed in the middle of a transaction', () => {
  it.each([
    ['before its Room has the events', 'keep:room.receive'],
    ['when its Room has the events and nobody knows', 'hold:room.receive'],
  ])('%s, and nothing is lost', async (_, place) => {
    const { http, server } = servers.selvedge
    const { roomId } = await sharedRoom('selvedge')
    await planFault(http, place)
    const texts = numbered('sam', 60)
    const talking = sayAll(sam, roomId, texts)
    const mine = numbered('alice', 20)
    await sayAll(alice, roomId, mine)
    await held(http, place)
    await server.restart()
    await talking
    const heard = await sayUntilHeard({ alice, sam }, roomId)
    await expectAll({ alice, sam }, roomId, [...mine, ...texts, ...heard])
    await agreed(roomId, alice, sam)
  })
})

describe('while Postgres is away', () => {
  afterEach(() => servers.selvedge.server.postgres.start())

  it('both go on, over a restart too, and nothing is lost', async () => {
    const { server } = servers.selvedge
    const rooms = [await sharedRoom('selvedge'), await sharedRoom('synapse')]
    const talkInAll = (from: number) =>
      Promise.all(rooms.map(({ roomId }) => talk({ alice, sam }, roomId, { count: 20, from })))
    const expectUpTo = async (count: number) => {
      const texts = [...numbered('alice', count), ...numbered('sam', count)]
      for (const { roomId } of rooms) await expectAll({ alice, sam }, roomId, texts)
    }
    server.postgres.stop()
    await talkInAll(1)
    await expectUpTo(20)
    await server.restart()
    await talkInAll(21)
    await expectUpTo(40)
    for (const { roomId, levels } of rooms) {
      await changeAll(sam, roomId, levels)
      await agreed(roomId, alice, sam)
    }
    server.postgres.start()
    await talkInAll(41)
    await expectUpTo(60)
  })
})
