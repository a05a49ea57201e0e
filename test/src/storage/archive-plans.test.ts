/** How Postgres finds the events that a batch of the archive speaks of, and those that a rebuild follows. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RoomLogEntry } from '../../../src/ports/archive.ts'
import { searchDocument } from '../../../src/search/document.ts'
import { batchStatement, roomRow } from '../../../src/storage/postgres/archive-batch.ts'
import { derivedStatements } from '../../../src/storage/postgres/archive-derived.ts'
import { MEMBER_EVENTS } from '../../../src/storage/postgres/archive-reader.ts'
import { databases, type OpenDatabase } from './databases.ts'

/** As many as a small server has: reading them all seems cheap to Postgres. */
const EVENTS = 3_000
const ROOM = '!room:test.example'
const ALICE = '@alice:test.example'

const event = (pos: number, type: string, content: object, stateKey: string | null): RoomLogEntry => ({
  kind: 'event',
  pos,
  eventId: `$event${pos}`,
  depth: pos,
  pdu: JSON.stringify({ type, content }),
  type,
  stateKey,
  sender: ALICE,
  ts: pos,
  current: stateKey !== null,
  membership: stateKey === null ? null : 'join',
})

const batches: Record<string, RoomLogEntry[]> = {
  messages: [1, 2, 3].map((pos) => event(pos, 'm.room.message', { msgtype: 'm.text', body: 'plain' }, null)),
  redactions: [
    { kind: 'redacted', pos: 5, eventId: '$event5', pdu: '{"type":"m.room.message","content":{}}' },
  ],
  'a member': [event(4, 'm.room.member', { membership: 'join', displayname: 'Alice' }, ALICE)],
}

for (const { title, skip, open } of databases) {
  describe.skipIf(skip)(`the archive on ${title}`, () => {
    let database: OpenDatabase
    beforeAll(async () => {
      database = await open()
      await database.sql.query(`insert into rooms (room_id, version) values ($1, '12')`, [ROOM])
      await database.sql.query(
        `insert into events (event_id, room_id, pos, depth, type, sender, ts, pdu)
         select '$event' || n, $1, n, n, 'm.room.message', $2, n, repeat('x', 500) from generate_series(1, ${EVENTS}) as n`,
        [ROOM, ALICE],
      )
    })
    afterAll(() => database.close())

    it.each(Object.keys(batches))('reads no other events for a batch of %s', async (name) => {
      const entries = batches[name]!
      const rows = entries.map((entry) => roomRow(entry, 1))
      const statements = [
        { text: batchStatement(rows), values: [ROOM, JSON.stringify(rows)] },
        ...derivedStatements(ROOM, entries, searchDocument),
      ]
      expect(statements.length).toBeGreaterThan(1)
      for (const { text, values } of statements) {
        const plan = await database.sql.query(`explain ${text}`, values)
        expect(plan.map((row) => Object.values(row)[0]).join('\n')).not.toContain('Seq Scan on events')
      }
    })

    it('reads no other events for the member events that are asked for', async () => {
      const cited = Array.from({ length: 1_000 }, (_, n) => `$event${n}`)
      const plan = await database.sql.query(`explain ${MEMBER_EVENTS}`, [ALICE, JSON.stringify(cited)])
      expect(plan.map((row) => Object.values(row)[0]).join('\n')).not.toContain('Seq Scan on events')
    })
  })
}
