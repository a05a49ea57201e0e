/** Random rooms, delivered in random order: a Room ends with the states that follow from the graph alone. */
import { describe, expect, it } from 'vitest'
import { seeded, shuffled } from '../../../fuzz/random.ts'
import { NodeRoom } from '../../../support/federation/node-room.ts'
import { deliver, type Habits } from '../../../support/federation/sender.ts'
import { randomHistory } from '../../../support/resolution/random-history.ts'

const SEEDS = 20
const REJECTED = 1

/** The room's object is a server's that nobody in the histories is of. */
const HERE = 'here.example'

describe.each([true, false])('a server that gives what is missing: %s', (answersMissing) => {
  it.each(Array.from({ length: SEEDS }, (_, seed) => seed + 1))('has the same states: seed %i', (seed) => {
    const { dag } = randomHistory(seed)
    const random = seeded(seed)
    const habits: Habits = { random, most: 1 + random.below(6), answersMissing }
    const room = new NodeRoom(HERE)
    room.begin(dag.roomId, dag.rules.version, dag.events.get(dag.createId)!)
    const left = shuffled(
      [...dag.events.keys()].filter((eventId) => eventId !== dag.createId),
      seed,
    )
    while (left.length > 0) deliver(room, dag, left.splice(0, 1 + random.below(5)), habits)
    expect(room.count('staged')).toBe(0)
    const heads = room.store.extremities.map(({ eventId }) => eventId)
    if (answersMissing) expect(room.current()).toEqual(dag.afterAll(heads))
    for (const [eventId, { rejected }] of dag.events) {
      expect([eventId, room.flags(eventId) === REJECTED]).toEqual([eventId, rejected === true])
      if (answersMissing) expect(room.after(eventId)).toEqual(dag.after(eventId))
    }
  })
})

/** A room that rests after each resolution takes what waits a little later, many at once. */
it.each(Array.from({ length: SEEDS }, (_, seed) => seed + 101))(
  'has the same states after its rests: seed %i',
  (seed) => {
    const { dag } = randomHistory(seed)
    const random = seeded(seed)
    let now = 0
    const signingKey = { id: 'ed25519:test', sign: () => 'c2ln' }
    const room = new NodeRoom(HERE, { clock: { now: () => now }, signingKey, graceMs: 0 })
    room.begin(dag.roomId, dag.rules.version, dag.events.get(dag.createId)!)
    const left = shuffled(
      [...dag.events.keys()].filter((eventId) => eventId !== dag.createId),
      seed,
    )
    while (left.length > 0) {
      deliver(room, dag, left.splice(0, 1 + random.below(5)), { random, most: 3, answersMissing: true })
      now += random.below(3)
    }
    let rests = 0
    for (let { restsUntil } = room.receive([]); restsUntil !== undefined; { restsUntil } = room.receive([])) {
      rests += 1
      now = restsUntil
    }
    expect(room.count('staged')).toBe(0)
    const heads = room.store.extremities.map(({ eventId }) => eventId)
    expect(room.current()).toEqual(dag.afterAll(heads))
    for (const [eventId, { rejected }] of dag.events) {
      expect([eventId, room.flags(eventId) === REJECTED]).toEqual([eventId, rejected === true])
      expect(room.after(eventId)).toEqual(dag.after(eventId))
    }
    expect(rests).toBeGreaterThan(0)
  },
)
