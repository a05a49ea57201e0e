/** The event stream while its parts die, sleep, or lose what they tell each other: each record once, each room in order. */
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { partitionOf } from '../../src/protocol/event-stream.ts'
import { type Consumer, consumerOf, textsIn } from '../event-stream/reader.ts'
import { must } from '../support/client.ts'
import { hasPassed, held, passed, planFault, settled } from '../support/faults.ts'
import { archived, rebuild, wipeAndRebuildRoom } from '../support/rebuild.ts'
import { objectName } from '../support/server.ts'
import { serving } from '../support/serving.ts'

const { server, http, alice } = serving(['alice'], { 'event-stream': 'on', presence: 'off' })
let reader: Consumer
let roomId: string

beforeAll(async () => {
  reader = await consumerOf(server, http)
})

beforeEach(async () => {
  roomId = await alice.createRoom()
})

const room = () => objectName.room(server.serverName, roomId)
const partition = () => objectName.partition(server.serverName, partitionOf(roomId))

/** Sends so many messages, and answers their texts. */
const say = (count: number): Promise<string[]> => sayIn(roomId, count)

async function sayIn(key: string, count: number): Promise<string[]> {
  const texts = Array.from({ length: count }, (_, n) => `${key} ${n} ${Math.random()}`)
  for (const text of texts) await alice.say(key, text)
  return texts
}

/** Another room of the same partition. */
async function neighbour(): Promise<string> {
  for (;;) {
    const other = await alice.createRoom()
    if (partitionOf(other) === partitionOf(roomId)) return other
  }
}

/** Waits for the last of these texts, and asserts that the stream has exactly them, in their order. */
async function tells(texts: string[], key: string = roomId): Promise<void> {
  await reader.until('events', key, (all) => textsIn(all).includes(texts.at(-1)!))
  await settled(http)
  expect(await reader.texts(key)).toEqual(texts)
}

const EACH_MET = { timeout: 25_000, interval: 100 }

describe('a delivery', () => {
  it.each([
    ['that is dropped', 'drop:partition.append', 2],
    ['whose answer is lost', 'lose:partition.append', 2],
    ['that comes twice, the second copy late', 'twice:partition.append', 4],
    ['that is late', 'late:partition.append', 3],
    ['whose partition is reset before it answers', 'reset:partition.append', 2],
    ['whose partition dies after it has stored it', 'partition:abort-after-commit', 2],
    ['whose partition has too much to do', 'overload:partition.append', 2],
  ])('%s brings each record once, in order', async (_, fault, times) => {
    const before = await say(3)
    await planFault(http, fault, times)
    const after: string[] = []
    // A delivery takes all that has gathered: messages go on until each fault was met.
    await expect
      .poll(async () => {
        after.push(...(await say(4)))
        return hasPassed(http, fault)
      }, EACH_MET)
      .toBe(true)
    await tells([...before, ...after])
  })

  it('whose copy comes long after later ones changes nothing', async () => {
    await planFault(http, 'copy:partition.append', 1)
    const first = await say(2)
    await tells(first)
    await held(http, 'copy:partition.append')
    const later = await say(3)
    await tells([...first, ...later])
    await planFault(http, 'copied:partition.append')
    await planFault(http, 'copy:partition.append', 0)
    await passed(http, 'copied:partition.append')
    await tells([...first, ...later])
  })
})

describe('a room', () => {
  it('that dies after its commit is told by its alarm', async () => {
    const before = await say(1)
    await planFault(http, 'room:abort-after-commit')
    const after = await say(1)
    await tells([...before, ...after])
  })

  it('that leaves the memory between any two messages tells each once', async () => {
    const texts: string[] = []
    for (let n = 0; n < 6; n += 1) {
      texts.push(...(await say(1)))
      await settled(http)
      await server.evict('ROOM', room())
      await server.evict('PARTITION', partition())
    }
    await tells(texts)
  })

  it('whose archive is away tells all the same, and again nothing once it is back', async () => {
    server.postgres.stop()
    const away = await say(5)
    await reader.until('events', roomId, (all) => textsIn(all).length === 5)
    await server.evict('ROOM', room())
    server.postgres.start()
    const back = await say(2)
    await tells([...away, ...back])
  })

  it('keeps for the stream what the archive has already, and drops it when both have it', async () => {
    const said = await alice.say(roomId, 'to be read')
    await settled(http)
    await planFault(http, 'drop:partition.append', 1_000)
    must(await alice.post(`/rooms/${encodeURIComponent(roomId)}/receipt/m.read/${encodeURIComponent(said)}`))
    await expect
      .poll(() => server.pg('SELECT 1 FROM receipts WHERE room_id = $1', [roomId]), { timeout: 20_000 })
      .toHaveLength(1)
    expect(await server.sql('ROOM', room(), 'SELECT pos FROM log')).toHaveLength(1)
    await planFault(http, 'drop:partition.append', 0)
    await reader.until('receipts', roomId, (all) => all.length === 1)
    await expect
      .poll(() => server.sql('ROOM', room(), 'SELECT pos FROM log'), { timeout: 20_000 })
      .toEqual([])
  })

  it('that waits for the call of another room is told, though that one dies with the call', async () => {
    const other = await neighbour()
    const before = [await say(1), await sayIn(other, 1)]
    await tells(before[0] ?? [])
    await tells(before[1] ?? [], other)
    await planFault(http, 'hold:partition.append', 1_000)
    const called = await say(1)
    await held(http, 'hold:partition.append')
    const waiting = await sayIn(other, 2)
    await planFault(http, 'room:abort-after-commit')
    const after = await say(1)
    await planFault(http, 'hold:partition.append', 0)
    await tells([...(before[0] ?? []), ...called, ...after])
    await tells([...(before[1] ?? []), ...waiting], other)
  })

  it('tells the same of a message at once and by its alarm', async () => {
    const atOnce = await say(1)
    await tells(atOnce)
    await planFault(http, 'drop:partition.append', 1)
    const byAlarm = await say(1)
    await tells([...atOnce, ...byAlarm])
    await passed(http, 'drop:partition.append')
    const [one, other] = (await reader.of('events', roomId)).filter(
      ({ event }) => event.type === 'm.room.message',
    )
    expect(Object.keys(other ?? {})).toEqual(Object.keys(one ?? {}))
    expect(Object.keys(other?.event)).toEqual(Object.keys(one?.event))
  })

  it('made again from the archive goes on where the stream stands', async () => {
    const before = await say(4)
    await tells(before)
    await archived(server, roomId)
    expect(await rebuild(server, 'room', roomId)).toContain(roomId)
    const after = await say(2)
    await tells([...before, ...after])
  })

  it('that was lost and made again tells what the stream had not heard of it', async () => {
    const before = await say(2)
    await tells(before)
    await planFault(http, 'drop:partition.append', 1_000)
    const unheard = await say(3)
    await wipeAndRebuildRoom(server, roomId, alice)
    await planFault(http, 'drop:partition.append', 0)
    const after = await say(2)
    await tells([...before, ...unheard, ...after])
  })
})

it('a server that is killed goes on where it was', async () => {
  const before = await say(5)
  await server.restart()
  const after = await say(5)
  await tells([...before, ...after])
})

it('a read that waits outlasts its partition', async () => {
  const number = partitionOf(roomId)
  await tells(await say(1))
  const { next_offset: offset } = must(await reader.read('events', number, { offset: 'latest' })).body
  await planFault(http, 'partition:waits')
  const waiting = reader.read('events', number, { offset, timeout: 25_000 })
  await passed(http, 'partition:waits')
  await server.evict('PARTITION', partition())
  const [text] = await say(1)
  expect(textsIn(must(await waiting).body.records)).toEqual([text])
})
