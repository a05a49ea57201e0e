/** What lists and searches read of the archive: derived in order, once or many times alike. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ArchiveStore, RoomLogEntry } from '../../../src/ports/archive.ts'
import type { DirectoryStore } from '../../../src/ports/directory.ts'
import type { SearchStore } from '../../../src/ports/search.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { searchDocument } from '../../../src/search/document.ts'
import { queryOf } from '../../../src/search/terms.ts'
import { postgresArchive } from '../../../src/storage/postgres/archive.ts'
import { postgresDirectory } from '../../../src/storage/postgres/directory.ts'
import { postgresSearch } from '../../../src/storage/postgres/search.ts'
import { standingClock } from '../../support/world.ts'
import { databases, type OpenDatabase } from './databases.ts'

type EventEntry = Extract<RoomLogEntry, { kind: 'event' }>

const alice = '@alice:test.example'
const bob = '@bob:test.example'

let database: OpenDatabase
let archive: ArchiveStore
let directory: DirectoryStore
let index: SearchStore
let rooms = 0

const newRoom = () => `!directory${++rooms}:test.example`

function event(
  roomId: string,
  pos: number,
  type: string,
  content: JsonObject,
  stateKey?: string,
): EventEntry {
  return {
    kind: 'event',
    pos,
    eventId: `$${roomId}/${pos}`,
    depth: pos,
    pdu: JSON.stringify({ type, state_key: stateKey, content }),
    type,
    stateKey: stateKey ?? null,
    sender: alice,
    ts: 1_700_000_000_000 + pos,
    current: stateKey !== undefined,
    membership: type === 'm.room.member' ? String(content.membership) : null,
    txn: null,
  }
}

const joins = (roomId: string, pos: number, userId: string, displayname?: string) =>
  event(roomId, pos, 'm.room.member', { membership: 'join', displayname }, userId)
const named = (roomId: string, pos: number, name: string) => event(roomId, pos, 'm.room.name', { name }, '')
const said = (roomId: string, pos: number, body: string) => event(roomId, pos, 'm.room.message', { body })
const redacted = (pos: number, { eventId, type, stateKey }: EventEntry): RoomLogEntry => ({
  kind: 'redacted',
  pos,
  eventId,
  pdu: JSON.stringify({ type, ...(stateKey === null ? {} : { state_key: stateKey }), content: {} }),
})

const ended = (pos: number, type: string, stateKey = ''): RoomLogEntry => ({
  kind: 'moved',
  pos,
  at: pos,
  type,
  stateKey,
  eventId: null,
  membership: type === 'm.room.member' ? 'leave' : null,
  causeId: '$cause',
})

async function summary(roomId: string) {
  const query = 'select facts, joined_members from room_summaries where room_id = $1'
  const [row] = await database.sql.query(query, [roomId])
  return row as { facts: Record<string, unknown>; joined_members: number } | undefined
}

const found = async (roomId: string, term: string) => {
  const query = {
    query: queryOf(term)!,
    rooms: [{ roomId }],
    types: ['m.room.message'],
    order: 'rank' as const,
  }
  return (await index.find(query, 10)).map(({ eventId }) => eventId)
}

for (const { title, skip, open } of databases) {
  describe.skipIf(skip)(`on ${title}`, () => {
    beforeAll(async () => {
      database = await open()
      archive = postgresArchive(database.sql, standingClock(), searchDocument)
      directory = postgresDirectory(database.sql)
      index = postgresSearch(database.sql)
    })
    afterAll(() => database.close())

    it('a summary holds the newest facts and counts joined members, even after batches come again', async () => {
      const roomId = newRoom()
      const first = [joins(roomId, 1, alice), joins(roomId, 2, bob), named(roomId, 3, 'Old')]
      const second = [
        named(roomId, 4, 'New'),
        event(roomId, 5, 'm.room.member', { membership: 'leave' }, bob),
        event(roomId, 6, 'm.room.encryption', { algorithm: 'm.megolm.v1.aes-sha2' }, ''),
      ]
      for (const batch of [first, second, first, second, [...first, ...second]]) {
        await archive.applyRoom(roomId, '12', batch)
      }
      expect(await summary(roomId)).toMatchObject({
        facts: { name: 'New', folded_name: 'new', encryption: 'm.megolm.v1.aes-sha2' },
        joined_members: 1,
      })
    })

    it('a summary forgets what a resolution ended, and counts without those whose join it undid', async () => {
      const roomId = newRoom()
      const first = [joins(roomId, 1, alice), joins(roomId, 2, bob, 'Bob'), named(roomId, 3, 'Gone')]
      const second = [ended(4, 'm.room.name'), ended(5, 'm.room.member', bob)]
      for (const batch of [first, second, first, second, [...first, ...second]]) {
        await archive.applyRoom(roomId, '12', batch)
        if (batch === first) continue
        const forgotten = { name: null, folded_name: null }
        expect(await summary(roomId)).toEqual({ facts: forgotten, joined_members: 1 })
      }
      await archive.applyRoom(roomId, '12', [named(roomId, 6, 'Back'), ended(7, 'm.room.topic')])
      expect(await summary(roomId)).toMatchObject({ facts: { name: 'Back', topic: null } })
    })

    it('a redacted event leaves no text, even when its old batch comes again', async () => {
      const roomId = newRoom()
      const [name, message] = [named(roomId, 2, 'Scandal'), said(roomId, 3, 'scandalous')]
      const first = [joins(roomId, 1, alice, 'Scandalmonger'), name, message]
      await archive.applyRoom(roomId, '12', first)
      expect(await found(roomId, 'scandalous')).toEqual([message.eventId])
      const redactions = [redacted(4, name), redacted(5, message), redacted(6, first[0]!)]
      for (const batch of [redactions, first, redactions]) await archive.applyRoom(roomId, '12', batch)
      expect(await found(roomId, 'scandalous')).toEqual([])
      const members = await database.sql.query('select * from room_memberships where room_id = $1', [roomId])
      const documents = await database.sql.query('select * from event_search where room_id = $1', [roomId])
      expect(JSON.stringify([await summary(roomId), members, documents])).not.toMatch(/scandal/i)
    })

    it('an event redacted in its own batch is not indexed', async () => {
      const roomId = newRoom()
      const message = said(roomId, 2, 'blunder')
      await archive.applyRoom(roomId, '12', [joins(roomId, 1, alice), message, redacted(3, message)])
      expect(await found(roomId, 'blunder')).toEqual([])
    })

    it('odd text is indexed and found', async () => {
      const roomId = newRoom()
      const texts = ['nul \0 nul', 'half \ud800 half', "quote ' quote \\ slash", '東京都', '"" & | !']
      await archive.applyRoom(
        roomId,
        '12',
        texts.map((text, at) => said(roomId, at + 1, text)),
      )
      for (const [term, pos] of [
        ['nul', 1],
        ['half', 2],
        ["slash 'quote'", 3],
        ['東京', 4],
        ['京', 4],
      ] as const) {
        expect(await found(roomId, term)).toEqual([`$${roomId}/${pos}`])
      }
    })

    it('lists the listed rooms, and knows of the others', async () => {
      const roomId = newRoom()
      expect(await directory.isListed(roomId)).toBeUndefined()
      await archive.applyRoom(roomId, '12', [joins(roomId, 1, alice), named(roomId, 2, 'Listed \0 one')])
      expect(await directory.isListed(roomId)).toBe(false)
      await archive.applyRoom(roomId, '12', [{ kind: 'visibility', pos: 3, public: true }])
      expect(await directory.isListed(roomId)).toBe(true)
      const page = await directory.publicRooms({ limit: 5, term: 'listed', roomTypes: [null] })
      expect(page).toMatchObject({
        rooms: [{ room_id: roomId, name: 'Listed \u2400 one' }],
        more: false,
        total: 1,
      })
    })

    it('shows people by the newest name that the viewer may know', async () => {
      const [shared, other] = [newRoom(), newRoom()]
      await archive.applyRoom(shared, '12', [joins(shared, 1, alice), joins(shared, 2, bob, 'Pangolin')])
      await archive.applyRoom(other, '12', [joins(other, 9, bob, 'Secret Pangolin')])
      const search = (viewer: string) => directory.users({ viewer, words: ['pangolin'], limit: 5 })
      expect(await search(alice)).toEqual([{ userId: bob, displayName: 'Pangolin' }])
      // Nobody who is a stranger to both rooms would find him, nor does he.
      expect(await search(bob)).toEqual([])
      expect(await search('@carol:test.example')).toEqual([])
    })
  })
}
