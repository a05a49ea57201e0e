/** The archive in Postgres. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ArchiveStore, RoomLogEntry } from '../../../src/ports/archive.ts'
import { searchDocument } from '../../../src/search/document.ts'
import { postgresAliases } from '../../../src/storage/postgres/aliases.ts'
import { postgresArchive } from '../../../src/storage/postgres/archive.ts'
import { postgresArchiveReader } from '../../../src/storage/postgres/archive-reader.ts'
import { standingClock } from '../../support/world.ts'
import { databases, type OpenDatabase } from './databases.ts'

type EventEntry = Extract<RoomLogEntry, { kind: 'event' }>

let database: OpenDatabase
let archive: ArchiveStore
let rooms = 0

const newRoom = () => `!room${++rooms}:test.example`
const query = (text: string, ...values: string[]) => database.sql.query(text, values)

function message(roomId: string, pos: number, changes: Partial<EventEntry> = {}): EventEntry {
  const sender = '@alice:test.example'
  return {
    kind: 'event',
    pos,
    eventId: `$${roomId}/${pos}`,
    depth: pos,
    pdu: `{"content":{"n":${pos}}}`,
    type: 'm.room.message',
    stateKey: null,
    sender,
    ts: 1_700_000_000_000 + pos,
    current: false,
    membership: null,
    ...changes,
  }
}

const member = (roomId: string, pos: number, user: string, membership: string): EventEntry =>
  message(roomId, pos, { type: 'm.room.member', stateKey: user, current: true, membership })

/** All that the archive holds of a room. */
async function contents(roomId: string) {
  const [room, events, state, members, listing] = await Promise.all([
    query('select version, archived_pos::int as pos from rooms where room_id = $1', roomId),
    query(
      'select pos::int, type, state_key, sender, pdu, redacted from events where room_id = $1 order by pos',
      roomId,
    ),
    query(
      'select type, state_key, pos::int from room_state where room_id = $1 order by type, state_key',
      roomId,
    ),
    query('select user_id, membership from room_memberships where room_id = $1 order by user_id', roomId),
    query('select listed from public_rooms where room_id = $1', roomId),
  ])
  return { room, events, state, members, listing }
}

for (const { title, skip, open } of databases) {
  describe.skipIf(skip)(`on ${title}`, () => {
    beforeAll(async () => {
      database = await open()
      archive = postgresArchive(database.sql, standingClock(), searchDocument)
    })
    afterAll(() => database.close())

    describe('the archive of a room', () => {
      it('holds events, current state, members, listing and how far it goes', async () => {
        const roomId = newRoom()
        await archive.applyRoom(roomId, '12', [
          member(roomId, 1, '@alice:test.example', 'join'),
          message(roomId, 2, { type: 'm.room.name', stateKey: '', current: true }),
          message(roomId, 3),
          { kind: 'visibility', pos: 4, public: true },
          member(roomId, 5, '@alice:test.example', 'leave'),
        ])
        const held = await contents(roomId)
        expect(held.room).toEqual([{ version: '12', pos: 5 }])
        expect(held.events.map(({ pos }) => pos)).toEqual([1, 2, 3, 5])
        expect(held.state).toEqual([
          { type: 'm.room.member', state_key: '@alice:test.example', pos: 5 },
          { type: 'm.room.name', state_key: '', pos: 2 },
        ])
        expect(held.members).toEqual([{ user_id: '@alice:test.example', membership: 'leave' }])
        expect(held.listing).toEqual([{ listed: true }])
      })

      it('holds that a room was forgotten until its user comes back', async () => {
        const roomId = newRoom()
        const bob = '@bob:test.example'
        const forgotten = () => query('select forgotten from room_memberships where room_id = $1', roomId)
        const left: RoomLogEntry[] = [member(roomId, 1, bob, 'join'), member(roomId, 2, bob, 'leave')]
        await archive.applyRoom(roomId, '12', left)
        await archive.applyRoom(roomId, '12', [{ kind: 'forgotten', pos: 3, userId: bob }])
        await archive.applyRoom(roomId, '12', [member(roomId, 4, bob, 'ban')])
        expect(await forgotten()).toEqual([{ forgotten: true }])
        await archive.applyRoom(roomId, '12', [member(roomId, 5, bob, 'join')])
        expect(await forgotten()).toEqual([{ forgotten: false }])
        await archive.applyRoom(roomId, '12', [{ kind: 'forgotten', pos: 3, userId: bob }])
        expect(await forgotten()).toEqual([{ forgotten: false }])
      })

      it('is the same after batches come twice, and after an old batch comes again', async () => {
        const roomId = newRoom()
        const event = message(roomId, 2)
        const first: RoomLogEntry[] = [
          member(roomId, 1, '@bob:test.example', 'join'),
          event,
          { kind: 'visibility', pos: 3, public: true },
        ]
        const second: RoomLogEntry[] = [
          member(roomId, 4, '@bob:test.example', 'ban'),
          { kind: 'redacted', pos: 5, eventId: event.eventId, pdu: '{"content":{}}' },
          { kind: 'visibility', pos: 6, public: false },
        ]
        await archive.applyRoom(roomId, '11', first)
        await archive.applyRoom(roomId, '11', second)
        const once = await contents(roomId)
        expect(once.events[1]).toMatchObject({ pdu: '{"content":{}}', redacted: true })
        expect(once.members).toEqual([{ user_id: '@bob:test.example', membership: 'ban' }])
        expect(once.listing).toEqual([{ listed: false }])
        for (const batch of [second, first, first, [...first, ...second]])
          await archive.applyRoom(roomId, '11', batch)
        expect(await contents(roomId)).toEqual(once)
      })

      it('archives an event redacted when it was redacted in its own batch', async () => {
        const roomId = newRoom()
        const event = message(roomId, 1)
        const redaction: RoomLogEntry = {
          kind: 'redacted',
          pos: 2,
          eventId: event.eventId,
          pdu: '{"content":{}}',
        }
        await archive.applyRoom(roomId, '12', [event, redaction])
        expect((await contents(roomId)).events).toMatchObject([
          { pos: 1, pdu: '{"content":{}}', redacted: true },
        ])
      })

      it('keeps NUL and broken surrogates: escaped in the PDU, replaced in what is looked up', async () => {
        const roomId = newRoom()
        const content = { body: 'a\0b \ud800 \\u0000 "quoted"' }
        const pdu = JSON.stringify({ content, type: 'odd\0type' })
        await archive.applyRoom(roomId, '12', [
          message(roomId, 1, { pdu, type: 'odd\0type', stateKey: 'key\0\udfff', current: true }),
        ])
        const { events, state } = await contents(roomId)
        expect(events).toMatchObject([{ type: 'odd\u2400type', state_key: 'key\u2400\ufffd', pdu }])
        expect(JSON.parse(String(events[0]?.pdu))).toEqual({ content, type: 'odd\0type' })
        expect(state).toMatchObject([{ type: 'odd\u2400type' }])
      })

      it('says when something last happened in rooms, and what kind of rooms they are', async () => {
        const [plain, space] = [newRoom(), newRoom()]
        await archive.applyRoom(plain, '12', [message(plain, 1), message(plain, 7)])
        const state = (pos: number, type: string, content: object) =>
          message(space, pos, { type, stateKey: '', current: true, pdu: JSON.stringify({ type, content }) })
        await archive.applyRoom(space, '12', [
          state(1, 'm.room.create', { type: 'm.space' }),
          state(2, 'm.room.encryption', { algorithm: 'm.megolm.v1.aes-sha2' }),
        ])
        const reader = postgresArchiveReader(database.sql)
        const found = await reader.activity([plain, newRoom(), space])
        expect(found.sort((a, b) => b.newest - a.newest)).toEqual([
          { roomId: plain, newest: 1_700_000_000_007, type: null, encrypted: false },
          { roomId: space, newest: 1_700_000_000_002, type: 'm.space', encrypted: true },
        ])
        expect(await reader.activity([])).toEqual([])
      })

      it('takes 500 entries in one request', async () => {
        const roomId = newRoom()
        const entries = Array.from({ length: 500 }, (_, index) => message(roomId, index + 1))
        await archive.applyRoom(roomId, '12', entries)
        expect((await contents(roomId)).events).toHaveLength(500)
      })
    })

    describe('aliases', () => {
      const alias = (name: string, roomId: string) => ({
        alias: `#${name}:test.example`,
        roomId,
        creator: '@a:test.example',
      })

      it('are reserved for a minute, and kept by the log of their room', async () => {
        const aliases = postgresAliases(database.sql)
        const [mine, theirs] = [alias('kept', newRoom()), alias('kept', newRoom())]
        expect(await aliases.reserve(mine, 1000)).toBe(true)
        expect(await aliases.reserve(theirs, 60_999)).toBe(false)
        expect(await aliases.find(mine.alias)).toEqual(mine)
        await archive.applyRoom(mine.roomId, '12', [
          { kind: 'alias', pos: 1, alias: mine.alias, creator: mine.creator },
        ])
        expect(await aliases.reserve(theirs, 1_000_000)).toBe(false)
        expect(await aliases.ofRoom(mine.roomId)).toEqual([mine.alias])
      })

      it('go to the next user that asks when the minute is over, and are not taken back by a late room', async () => {
        const aliases = postgresAliases(database.sql)
        const [late, next] = [alias('late', newRoom()), alias('late', newRoom())]
        await aliases.reserve(late, 1000)
        expect(await aliases.reserve(next, 61_001)).toBe(true)
        await archive.applyRoom(late.roomId, '12', [
          { kind: 'alias', pos: 1, alias: late.alias, creator: late.creator },
        ])
        expect(await aliases.find(next.alias)).toEqual(next)
      })

      it('do not come back when a batch is repeated after they were removed', async () => {
        const aliases = postgresAliases(database.sql)
        const own = alias('removed', newRoom())
        const batch: RoomLogEntry[] = [
          { kind: 'alias', pos: 1, alias: own.alias, creator: own.creator },
          message(own.roomId, 2),
        ]
        await archive.applyRoom(own.roomId, '12', batch)
        expect(await aliases.find(own.alias)).toEqual(own)
        await aliases.remove(own.alias)
        await archive.applyRoom(own.roomId, '12', batch)
        expect(await aliases.find(own.alias)).toBeUndefined()
      })

      it('belong to the user that added them first', async () => {
        const aliases = postgresAliases(database.sql)
        const [first, second] = [alias('added', newRoom()), alias('added', newRoom())]
        expect(await aliases.add(first, 0)).toBe(true)
        expect(await aliases.add(second, 10_000_000)).toBe(false)
      })
    })

    describe('the archive of a user', () => {
      const records = (userId: string) =>
        query(
          'select kind, key, seq::int, body from user_records where user_id = $1 order by kind, key',
          userId,
        )

      it('holds the newest of each fact, in whatever order and however often batches come', async () => {
        const userId = '@carol:test.example'
        const older = [
          { seq: 1, kind: 'device', key: 'A', body: '{"v":1}' },
          { seq: 2, kind: 'device', key: 'A', body: '{"v":2}' },
          { seq: 3, kind: 'device', key: 'B\0', body: '{"v":"\\u0000"}' },
        ]
        const newer = [{ seq: 4, kind: 'device', key: 'A', body: null }]
        await archive.applyUser(userId, older)
        expect((await records(userId))[0]).toEqual({ kind: 'device', key: 'A', seq: 2, body: '{"v":2}' })
        for (const batch of [newer, older]) await archive.applyUser(userId, batch)
        expect(await records(userId)).toEqual([
          { kind: 'device', key: 'A', seq: 4, body: null },
          { kind: 'device', key: 'B\u2400', seq: 3, body: '{"v":"\\u0000"}' },
        ])
      })

      it('forgets what was deleted ten minutes before, but for what is there again', async () => {
        const userId = '@dave:test.example'
        const minutes = (n: number) => n * 60_000_000
        const deleted = ['A', 'B', 'C'].map((key, n) => ({ seq: n + 1, kind: 'device', key, body: null }))
        await archive.applyUser(userId, deleted)
        await archive.applyUser(userId, [{ seq: minutes(10), kind: 'device', key: 'D', body: null }])
        expect((await records(userId)).map(({ key }) => key)).toEqual(['A', 'B', 'C', 'D'])
        const later = [
          { seq: minutes(11), kind: 'device', key: 'B', body: '{"v":2}' },
          { seq: minutes(11) + 1, kind: 'device', key: 'C', body: null },
        ]
        for (const batch of [later, later]) await archive.applyUser(userId, batch)
        expect((await records(userId)).map(({ key, body }) => [key, body])).toEqual([
          ['B', '{"v":2}'],
          ['C', null],
          ['D', null],
        ])
      })
    })
  })
}
