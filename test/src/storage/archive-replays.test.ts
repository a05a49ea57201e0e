/** Batches of the archive that come again, long after newer ones: each leaves everything as it is. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ArchiveStore, RoomLogEntry, UserLogEntry } from '../../../src/ports/archive.ts'
import { searchDocument } from '../../../src/search/document.ts'
import { postgresArchive } from '../../../src/storage/postgres/archive.ts'
import { standingClock } from '../../support/world.ts'
import { databases, type OpenDatabase } from './databases.ts'

const ROOM = '!replayed:test.example'
const NEXT = '!next:test.example'
const ALICE = '@alice:test.example'
const BOB = '@bob:test.example'
const CAROL = '@carol:test.example'

const pduOf = (type: string, content: object, stateKey: string | null) =>
  JSON.stringify({ type, content, ...(stateKey !== null && { state_key: stateKey }) })

function event(
  pos: number,
  type: string,
  content: { membership?: string; [key: string]: unknown },
  { stateKey = null, sender = ALICE }: { stateKey?: string | null; sender?: string } = {},
): RoomLogEntry {
  return {
    kind: 'event',
    pos,
    eventId: `$replayed/${pos}`,
    depth: pos,
    pdu: pduOf(type, content, stateKey),
    type,
    stateKey,
    sender,
    ts: 1_700_000_000_000 + pos,
    current: stateKey !== null,
    membership: type === 'm.room.member' ? (content.membership ?? null) : null,
    txn: stateKey === null ? `txn${pos}` : null,
  }
}

const member = (pos: number, userId: string, membership: string, displayname?: string) =>
  event(pos, 'm.room.member', { membership, displayname }, { stateKey: userId, sender: userId })
const message = (pos: number, body: string, sender: string = ALICE) =>
  event(pos, 'm.room.message', { msgtype: 'm.text', body }, { sender })
const redacted = (pos: number, of: number, type: string, content: object, stateKey: string | null = null) =>
  ({ kind: 'redacted', pos, eventId: `$replayed/${of}`, pdu: pduOf(type, content, stateKey) }) as const
const receipt = (pos: number, of: number): RoomLogEntry => ({
  kind: 'receipt',
  pos,
  userId: BOB,
  type: 'm.read',
  eventId: `$replayed/${of}`,
  eventPos: of,
  ts: pos,
})

/** An event that is not the newest, at its place. */
function placed(
  pos: number,
  place: { at: number; flags: number; around?: { pos: number; before: null; after: number } },
): RoomLogEntry {
  const { depth, pdu, type, stateKey, sender, ts } = message(1, 'late') as RoomLogEntry & { kind: 'event' }
  const event = { depth, pdu, type, stateKey, sender, ts, current: false, ...place }
  return { kind: 'placed', pos, eventId: '$replayed/placed', event }
}

const record = (
  pos: number,
  kind: 'gap' | 'staged' | 'group' | 'extremities',
  key: string,
  body: string | null,
) => ({ kind: 'record', pos, record: kind, key, body }) as const

const moved = (pos: number, eventId: string | null): RoomLogEntry => ({
  kind: 'moved',
  pos,
  at: 3,
  type: 'm.room.name',
  stateKey: '',
  eventId,
  membership: null,
  causeId: '$replayed/3',
})

/** A room's life, in which each batch changes something of the one before. */
const ROOM_BATCHES: readonly RoomLogEntry[][] = [
  [
    member(1, ALICE, 'join', 'Alice'),
    event(2, 'm.room.name', { name: 'First' }, { stateKey: '' }),
    message(3, 'one'),
    { kind: 'alias', pos: 4, alias: '#replayed:test.example', creator: ALICE },
    { kind: 'visibility', pos: 5, public: true },
    { kind: 'delayed', pos: 6, delayId: 'd1', body: '{"waits":true}' },
    receipt(7, 3),
  ],
  [
    event(8, 'm.room.name', { name: 'Second' }, { stateKey: '' }),
    member(9, BOB, 'join', 'Bob'),
    message(10, 'two', BOB),
    redacted(11, 3, 'm.room.message', { first: 'time' }),
    { kind: 'delayed', pos: 12, delayId: 'd1', body: '{"waits":false}' },
    receipt(13, 10),
    { kind: 'visibility', pos: 14, public: false },
  ],
  [
    member(15, BOB, 'leave'),
    { kind: 'forgotten', pos: 16, userId: BOB },
    redacted(17, 3, 'm.room.message', { second: 'time' }),
    redacted(18, 8, 'm.room.name', {}, ''),
    member(19, CAROL, 'join', 'Carol'),
    message(20, 'three', CAROL),
  ],
  [
    member(21, BOB, 'join', 'Robert'),
    { kind: 'delayed', pos: 22, delayId: 'd1', body: null },
    redacted(23, 19, 'm.room.member', { membership: 'join' }, CAROL),
    { kind: 'erased', pos: 24, userId: CAROL, erasedPos: 23 },
    { kind: 'visibility', pos: 25, public: true },
    receipt(26, 20),
  ],
  [redacted(27, 20, 'm.room.message', {}), { kind: 'replaced', pos: 28, roomId: NEXT }],
  [
    placed(29, { at: -1_000_000_000_000_001, flags: 4 }),
    record(30, 'gap', '$missing', '{"pos":-1}'),
    record(31, 'staged', '$waits', '{"no":1}'),
    record(32, 'group', '1.0', '{"id":1}'),
  ],
  [
    placed(33, { at: -1, flags: 0, around: { pos: 1, before: null, after: 1 } }),
    { kind: 'redacted', pos: 34, eventId: '$replayed/placed', pdu: pduOf('m.room.message', {}, null) },
    record(35, 'gap', '$missing', null),
    record(36, 'staged', '$waits', null),
    record(37, 'extremities', 'heads', '[]'),
    moved(38, '$replayed/2'),
    moved(39, null),
  ],
]

const USER_BATCHES: readonly UserLogEntry[][] = [
  [
    { seq: 1, kind: 'device', key: 'A', body: '{"name":"one"}' },
    { seq: 2, kind: 'profile', key: 'displayname', body: '"Alice"' },
    { seq: 3, kind: 'pusher', key: 'p', body: '{}' },
  ],
  [
    { seq: 4, kind: 'device', key: 'A', body: '{"name":"two"}' },
    { seq: 5, kind: 'device', key: 'B', body: '{}' },
    { seq: 6, kind: 'pusher', key: 'p', body: null },
  ],
  [
    { seq: 7, kind: 'device', key: 'B', body: null },
    { seq: 8, kind: 'profile', key: 'displayname', body: null },
    { seq: 9, kind: 'device', key: 'A', body: '{"name":"three"}' },
  ],
]

/** How the first `count` batches come again: in their order, backwards, and each twice. */
const ORDERS = (count: number): number[][] => {
  const forwards = Array.from({ length: count }, (_, index) => index)
  return [forwards, forwards.toReversed(), forwards.flatMap((index) => [index, index])]
}

for (const { title, skip, open } of databases) {
  describe.skipIf(skip)(`on ${title}`, () => {
    let database: OpenDatabase
    let archive: ArchiveStore
    beforeAll(async () => {
      database = await open()
      archive = postgresArchive(database.sql, standingClock(), searchDocument)
    })
    afterAll(() => database.close())

    /** Every row of every table. */
    async function everything(): Promise<Record<string, string[]>> {
      const tables = await database.sql.query(
        'select table_name from information_schema.tables where table_schema = current_schema()',
        [],
      )
      const found: Record<string, string[]> = {}
      for (const { table_name: name } of tables) {
        const rows = await database.sql.query(`select t::text as line from "${name}" as t order by 1`, [])
        found[String(name)] = rows.map(({ line }) => String(line))
      }
      return found
    }

    /** After each batch, every one that came before it comes again: nothing may have changed after any of them. */
    async function replayed<Batch>(batches: readonly Batch[], apply: (batch: Batch) => Promise<void>) {
      const kept: unknown[] = []
      for (const [index, batch] of batches.entries()) {
        await apply(batch)
        const before = await everything()
        for (const order of ORDERS(index + 1)) {
          for (const old of order) {
            await apply(batches[old]!)
            expect(await everything(), `batch ${old} again, after batch ${index}`).toEqual(before)
          }
        }
        kept.push(before)
      }
      // Each batch changes something, or its replay would show nothing.
      expect(new Set(kept.map((one) => JSON.stringify(one))).size).toBe(batches.length)
    }

    it('an old batch of a room changes nothing, whichever newer batches came before it', async () => {
      const create = event(1, 'm.room.create', {}, { stateKey: '' })
      await archive.applyRoom(NEXT, '12', [{ ...create, eventId: '$next/1' } as RoomLogEntry])
      await replayed(ROOM_BATCHES, (batch) => archive.applyRoom(ROOM, '12', batch))
    }, 60_000)

    it('an old batch of a user changes nothing, whichever newer batches came before it', async () => {
      await replayed(USER_BATCHES, (batch) => archive.applyUser(ALICE, batch))
    }, 60_000)
  })
}
