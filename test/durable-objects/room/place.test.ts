/** The last steps of the pipeline, for events that no client of this server can send: see `room/write/place.ts`. */
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { projectRoot } from '../../../local/paths.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { IdentifiedPdu, Pdu } from '../../../src/protocol/events/event.ts'
import type { BuiltEvent } from '../../../src/protocol/events/event-builder.ts'
import type { Extremity } from '../../../src/protocol/events/extremities.ts'
import { objectStorage } from '../../support/object-storage.ts'

/** What of the product's own types is used here: theirs stand on the platform's, which Node does not know. */
interface Store {
  readonly positions: { next(): number }
  readonly head: number
  readonly counts: { joined: number }
  readonly extremities: readonly Extremity[]
  initialise(roomId: string, version: string): void
  setExtremities(extremities: readonly Extremity[]): void
  forget(): void
  get(type: string, stateKey: string): IdentifiedPdu | undefined
  stateRowAt(type: string, stateKey: string, pos: number): object | undefined
  member(userId: string): { membership: string } | undefined
  event(eventId: string): object | undefined
}
interface Room {
  readonly store: Store
}
interface Change extends Room {
  readonly appended: readonly object[]
  readonly fed: readonly string[]
}
interface Placement {
  pos: number
  txn: null
  verdict: 'accepted' | 'rejected' | 'soft-failed' | 'outlier'
  delta: [string, string, IdentifiedPdu | null][]
  extremities: readonly Extremity[]
  isNew: boolean
}

const load = async <T>(path: string) => (await import(join(projectRoot, 'durable-objects', path))) as T
const { commit, RoomContext } = await load<{
  commit<T>(room: Room, work: (change: Change) => T): { change: Change }
  RoomContext: new (facts: object) => Room
}>('room/context.ts')
const { placeEvent } = await load<{
  placeEvent(change: Change, event: BuiltEvent, placement: Placement): void
}>('room/write/place.ts')
const { appendLocal } = await load<{ appendLocal(change: Change, event: object): string }>(
  'room/write/pipeline.ts',
)
const { RoomStore } = await load<{ RoomStore: new (storage: object) => Store }>('room/rows/store.ts')
const { ROOM_MIGRATIONS } = await load<{ ROOM_MIGRATIONS: readonly string[] }>('room/rows/schema.ts')
const { lazyStorage } = await load<{
  lazyStorage(storage: object, migrations: readonly string[], begin: () => void): object
}>('sqlite.ts')

const ROOM = '!room:test.example'
const ALICE = '@alice:test.example'
const ELSEWHERE = '@eve:elsewhere.example'
const signingKey = { id: 'ed25519:test', sign: () => 'c2ln' }

let room: Room
let count: number

beforeEach(() => {
  count = 0
  const store = new RoomStore(lazyStorage(objectStorage(), ROOM_MIGRATIONS, () => {}))
  const clock = { now: () => 1_700_000_000_000 }
  room = new RoomContext({ store, clock, serverName: 'test.example', signingKey, erasesForAll: false })
  commit(room, (change) => {
    change.store.initialise(ROOM, '10')
    place(event('m.room.create', '', { creator: ALICE, room_version: '10' }))
    place(event('m.room.member', ALICE, { membership: 'join' }))
    place(event('m.room.topic', '', { topic: 'first' }))

    function place(built: BuiltEvent) {
      placeEvent(change, built, ordinary(built))
    }
  })
})

function event(type: string, stateKey: string | undefined, content: JsonObject, sender = ALICE): BuiltEvent {
  count += 1
  const pdu = {
    type,
    ...(stateKey !== undefined && { state_key: stateKey }),
    sender,
    content,
    room_id: ROOM,
    origin_server_ts: count,
    depth: count,
    auth_events: [],
    prev_events: count === 1 ? [] : [`$${count - 1}`],
    hashes: { sha256: '' },
    signatures: {},
  } as unknown as Pdu
  return { eventId: `$${count}`, pdu, json: JSON.stringify(pdu) }
}

function ordinary(built: BuiltEvent): Placement {
  const { pdu, eventId } = built
  return {
    pos: room.store.positions.next(),
    txn: null,
    verdict: 'accepted',
    delta: pdu.state_key === undefined ? [] : [[pdu.type, pdu.state_key, built]],
    extremities: [{ eventId, depth: pdu.depth }],
    isNew: true,
  }
}

/** Places an event as `how` says, and answers what the mutation changed. */
const placed = (built: BuiltEvent, how: (placement: Placement) => Placement) =>
  commit(room, (change) => placeEvent(change, built, how(ordinary(built)))).change

describe('a change of state', () => {
  it("may change keys other than the event's own", () => {
    const other = event('m.room.name', '', { name: 'resolved' })
    placed(other, (placement) => ({ ...placement, delta: [] }))
    expect(room.store.get('m.room.name', '')).toBeUndefined()
    const message = event('m.room.message', undefined, { body: 'joins two branches' })
    placed(message, (placement) => ({ ...placement, delta: [['m.room.name', '', other]] }))
    expect(room.store.get('m.room.name', '')?.eventId).toBe(other.eventId)
  })

  it('may end a key, from its position on', () => {
    const before = room.store.head
    const message = event('m.room.message', undefined, { body: 'the topic lost' })
    placed(message, (placement) => ({ ...placement, delta: [['m.room.topic', '', null]] }))
    expect(room.store.get('m.room.topic', '')).toBeUndefined()
    room.store.forget()
    expect(room.store.get('m.room.topic', '')).toBeUndefined()
    expect(room.store.stateRowAt('m.room.topic', '', before)).toBeDefined()
    expect(room.store.stateRowAt('m.room.topic', '', room.store.head)).toBeUndefined()
  })

  it('tells a user whose member event it ends that they have left', () => {
    const message = event('m.room.message', undefined, { body: 'the join lost' })
    const change = placed(message, (placement) => ({ ...placement, delta: [['m.room.member', ALICE, null]] }))
    expect(room.store.member(ALICE)?.membership).toBe('leave')
    expect(room.store.counts.joined).toBe(0)
    expect(change.fed).toEqual([ALICE])
  })
})

describe('an event that is not accepted', () => {
  it.each(['rejected', 'soft-failed', 'outlier'] as const)(
    'is stored as %s, and shown to nobody',
    (verdict) => {
      const before = room.store.extremities
      const built = event('m.room.topic', '', { topic: 'forbidden' }, ELSEWHERE)
      const change = placed(built, (placement) => ({
        ...placement,
        verdict,
        delta: [],
        extremities: before,
      }))
      expect(change.appended).toEqual([])
      expect(room.store.event(built.eventId)).toBeUndefined()
      expect(room.store.get('m.room.topic', '')?.pdu.content).toEqual({ topic: 'first' })
      expect(room.store.extremities).toEqual(before)
    },
  )
})

describe('the forward extremities', () => {
  it('that a local event cannot name stay', () => {
    const forks: Extremity[] = []
    for (let n = 0; n < 30; n++) {
      const fork = event('m.room.message', undefined, { body: 'one of many' })
      forks.push({ eventId: fork.eventId, depth: 10 })
      placed(fork, (placement) => ({ ...placement, extremities: [...forks] }))
    }
    commit(room, (change) => appendLocal(change, { sender: ALICE, type: 'm.room.message', content: {} }))
    expect(room.store.extremities).toHaveLength(11)
    room.store.forget()
    expect(room.store.extremities).toHaveLength(11)
  })

  it('do not change with an event below the newest', () => {
    const head = room.store.head
    const built = event('m.room.message', undefined, { body: 'from before the join' })
    placed(built, (placement) => ({ ...placement, pos: -5, extremities: room.store.extremities }))
    expect(room.store.head).toBe(head)
  })
})
