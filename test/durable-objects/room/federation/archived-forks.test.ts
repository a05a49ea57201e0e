/** Random rooms with forks, of which another is made from the archive alone: it is the same, and goes on the same. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { slicesOf } from '../../../../src/slices.ts'
import { seeded, shuffled } from '../../../fuzz/random.ts'
import { databases, type OpenDatabase } from '../../../src/storage/databases.ts'
import { archivedRows, RoomArchives } from '../../../support/federation/archived-room.ts'
import { NodeRoom, received } from '../../../support/federation/node-room.ts'
import { deliver, type Habits } from '../../../support/federation/sender.ts'
import { randomHistory } from '../../../support/resolution/random-history.ts'

const SEEDS = 12
const HERE = 'here.example'

let database: OpenDatabase
let archives: RoomArchives
// The random rooms have one name.
beforeEach(async () => {
  database = await databases[0]!.open()
  archives = new RoomArchives(database.sql)
})
afterEach(() => database.close())

describe.each([true, false])('a server that gives what is missing: %s', (answersMissing) => {
  it.each(Array.from({ length: SEEDS }, (_, seed) => seed + 1))(
    'is made again as it was: seed %i',
    async (seed) => {
      const { dag } = randomHistory(seed)
      const random = seeded(seed)
      const habits: Habits = { random, most: 1 + random.below(6), answersMissing }
      const room = new NodeRoom(HERE)
      room.begin(dag.roomId, dag.rules.version, dag.events.get(dag.createId)!)
      const archiver = archives.archiverOf(room)
      const left = shuffled(
        [...dag.events.keys()].filter((eventId) => eventId !== dag.createId),
        seed,
      )
      for (const until = random.below(left.length); left.length > until; ) {
        deliver(room, dag, left.splice(0, 1 + random.below(5)), habits)
        if (random.below(3) === 0) await archiver.flush()
      }
      // What nobody gives waits in both.
      room.receive(left.slice(0, 2).map((eventId) => received(dag.events.get(eventId)!)))
      await archiver.flush()

      const again = await archives.rebuilt(dag.roomId, HERE)
      expect(archivedRows(again)).toEqual(archivedRows(room))
      const known = [...dag.events.keys()].filter((eventId) => room.flags(eventId) !== undefined)
      for (const eventId of known) expect(again.after(eventId)).toEqual(room.after(eventId))

      for (const eventIds of slicesOf(left, 3))
        for (const one of [room, again]) deliver(one, dag, eventIds, { ...habits, random: seeded(seed) })
      expect(again.current()).toEqual(room.current())
      expect(heads(again)).toEqual(heads(room))
      for (const eventId of dag.events.keys()) {
        expect([eventId, again.flags(eventId)]).toEqual([eventId, room.flags(eventId)])
        expect(again.after(eventId)).toEqual(room.after(eventId))
        if (answersMissing) expect(again.after(eventId)).toEqual(dag.after(eventId))
      }
      // And once more, of what came since.
      await archives.archiverOf(again).flush()
      expect(archivedRows(await archives.rebuilt(dag.roomId, HERE))).toEqual(archivedRows(again))
    },
  )
})

it.each([1, 2, 3, 4])('a room that an earlier version forked tells all of it: seed %i', async (seed) => {
  const { dag } = randomHistory(seed)
  const habits: Habits = { random: seeded(seed), most: 3, answersMissing: seed % 2 === 0 }
  const room = new NodeRoom(HERE)
  room.begin(dag.roomId, dag.rules.version, dag.events.get(dag.createId)!)
  const left = shuffled(
    [...dag.events.keys()].filter((eventId) => eventId !== dag.createId),
    seed,
  )
  const last = left.pop()!
  deliver(room, dag, left, habits)
  asEarlierVersion(room)
  deliver(room, dag, [last], habits)
  room.tellApart()
  await archives.archiverOf(room).flush()
  expect(archivedRows(await archives.rebuilt(dag.roomId, HERE))).toEqual(archivedRows(room))
})

/** It logged the events in line alone, and of what moved not from where on. */
function asEarlierVersion(room: NodeRoom): void {
  room.rows("DELETE FROM meta WHERE key = 'apart'")
  room.rows('DELETE FROM log WHERE entry LIKE \'{"kind":"placed"%\' OR entry LIKE \'{"kind":"record"%\'')
  room.rows("UPDATE log SET entry = json_remove(entry, '$.at')")
}

const heads = ({ store }: NodeRoom) => store.extremities.map(({ eventId }) => eventId).sort()
