/**
 * A room that other servers share has more to archive than its events. An entry of the log names each such thing. Its
 * content is read only when the entry is told. A room of this server alone has no such entry.
 */
import type { RoomLogEntry, RoomRecordKind } from '../../../../src/ports/archive.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { judgedContent } from '../../../../src/protocol/events/redaction.ts'
import type { StateDelta } from '../../../../src/protocol/state-resolution/conflict.ts'
import { readMeta, type SqlReader, writeMeta } from '../../../sqlite.ts'
import type { RoomWriter } from '../../context.ts'
import { eventsOutOfLine, hasHidden } from '../events/judged-events.ts'
import { readExtremities } from '../state/extremities.ts'
import { moveKey, movesOf } from '../state/moves.ts'
import { appendLog, placedEvent, putLog } from '../tell/log.ts'
import { allGaps, closeGap, type GapRow, gapOf, hasGaps, noteGap } from './gaps.ts'
import { type JudgedContentRow, keepJudgedContent, readJudgedContent } from './judged-contents.ts'
import { isRelayed, noteRelayed } from './relayed.ts'
import { hasServers } from './servers.ts'
import { readStaged, restoreStaged, type StagedRow, stagedMarks } from './staged.ts'
import {
  addGroup,
  allGroups,
  countDeltas,
  type GroupPiece,
  groupPiece,
  hasBranches,
  restoreGroup,
  type StatePlace,
} from './state-groups.ts'

type Kind = Exclude<RoomRecordKind, 'move'>

/** Deltas in one piece of a group: some hundred kilobytes at most. */
const PIECE = 500

const APART = 'apart'
const EXTREMITIES_KEY = 'heads'

/** What each record is now, as JSON; null: it is not there any more. */
const BODIES: Readonly<Record<Kind, (sql: SqlReader, key: string) => unknown>> = {
  group: (sql, key) => {
    const [group, piece] = key.split('.').map(Number) as [number, number]
    return groupPiece(sql, group, { from: piece * PIECE, length: PIECE })
  },
  gap: (sql, key): GapRow | null => {
    const pos = gapOf(sql, key)
    return pos === undefined ? null : { event_id: key, pos }
  },
  staged: (sql, key) => readStaged(sql, key) ?? null,
  judged: (sql, key) => readJudgedContent(sql, key) ?? null,
  extremities: (sql) => readExtremities(sql),
  relayed: (sql, key) => (isRelayed(sql, Number(key)) ? Number(key) : null),
}

/** An entry as it is told: what it names, as it is now. */
export function toldWhole(sql: SqlReader, entry: RoomLogEntry): RoomLogEntry {
  if (entry.kind === 'placed') return { ...entry, event: placedEvent(sql, entry.eventId) }
  if (entry.kind !== 'record' || entry.record === 'move') return entry
  return recordNow(sql, entry)
}

function recordNow(
  sql: SqlReader,
  { pos, record, key }: { pos: number; record: RoomRecordKind; key: string },
): RoomLogEntry {
  const body = record === 'move' ? null : BODIES[record](sql, key)
  return { kind: 'record', pos, record, key, body: body === null ? null : JSON.stringify(body) }
}

/** The forward extremities of a room that is not one line; in one that is, they are its newest event. */
export function extremitiesRecord(
  sql: SqlReader,
  pos: number,
): (RoomLogEntry & { kind: 'record' }) | undefined {
  if (!isApart(sql)) return undefined
  return recordNow(sql, { pos, record: 'extremities', key: EXTREMITIES_KEY }) as RoomLogEntry & {
    kind: 'record'
  }
}

/** Whether the events of the room are, or were, more than one line, and the archive was told all of it. */
export function isApart(sql: SqlReader): boolean {
  return readMeta(sql, APART) !== undefined
}

/** Whether the archive was told of all branches, or there are none. */
export function isToldApart(sql: SqlReader): boolean {
  return isApart(sql) || !(hasBranches(sql) || hasGaps(sql) || hasHidden(sql))
}

/**
 * Call it before something is written that does not stand in line. One row, once a room; a room of an earlier version,
 * which has told the archive nothing of what it has, tells all of it.
 */
export function noteApart(room: RoomWriter): void {
  if (room.isApart) return
  const { sql } = room.store
  const wasApart = isApart(sql)
  room.isApart = true
  if (wasApart) return
  const isTold = isToldApart(sql)
  writeMeta(sql, APART, 1)
  if (!isTold) logAllApart(room)
}

function logAllApart(room: RoomWriter): void {
  const { sql } = room.store
  for (const { id } of allGroups(sql)) logGroup(room, id)
  for (const eventId of allGaps(sql)) logRecord(room, 'gap', eventId)
  for (const eventId of stagedMarks(sql).keys()) logRecord(room, 'staged', eventId)
  for (const eventId of eventsOutOfLine(sql)) logPlaced(room, eventId)
  for (const move of movesOf(sql)) {
    const pos = room.store.positions.next()
    putLog(sql, { kind: 'record', pos, record: 'move', key: moveKey(pos), body: JSON.stringify(move) })
  }
  room.logged = true
}

/** An event comes to a place that is not the newest, or has been known before. Call it before it takes the place. */
export function logPlaced(room: RoomWriter, eventId: string): void {
  noteApart(room)
  appendLog(room, { kind: 'placed', pos: 0, eventId })
}

function logRecord(room: RoomWriter, record: Kind, key: string): void {
  appendLog(room, { kind: 'record', pos: 0, record, key, body: null })
}

/** Puts back what a record says, inside the caller's transaction; twice it is the same. */
export const RESTORES: Readonly<
  Record<'group' | 'judged' | 'gap' | 'staged' | 'relayed', (sql: SqlStorage, body: string) => void>
> = {
  group: (sql, body) => restoreGroup(sql, JSON.parse(body) as GroupPiece),
  judged: (sql, body) => keepJudgedContent(sql, JSON.parse(body) as JudgedContentRow),
  gap: (sql, body) => noteGap(sql, JSON.parse(body) as GapRow),
  staged: (sql, body) => restoreStaged(sql, JSON.parse(body) as StagedRow),
  relayed: (sql, body) => noteRelayed(sql, JSON.parse(body) as number),
}

/** As `addGroup`. */
export function addLoggedGroup(
  room: RoomWriter,
  base: StatePlace,
  deltas: readonly StateDelta[],
): StatePlace {
  noteApart(room)
  const place = addGroup(room.store.sql, base, deltas)
  if (place.group !== null && deltas.length > 0) logGroup(room, place.group)
  return place
}

function logGroup(room: RoomWriter, group: number): void {
  const pieces = Math.ceil(countDeltas(room.store.sql, group) / PIECE)
  for (let piece = 0; piece < pieces; piece++) logRecord(room, 'group', groupKey(group, piece))
}

/** Keys sort as the groups came, each after those below it. */
function groupKey(group: number, piece: number): string {
  return `${String(group).padStart(12, '0')}.${String(piece).padStart(6, '0')}`
}

/**
 * A state event of a room that other servers share is about to be redacted: what the rules read of it is kept. A room of
 * this server alone keeps nothing, since nobody else ever gets what was taken.
 */
export function keepJudged(room: RoomWriter, eventId: string, pdu: Pdu): void {
  const { rules, sql } = room.store
  if (pdu.state_key === undefined || !hasServers(sql)) return
  const content = judgedContent(pdu, rules)
  if (content === undefined) return
  noteApart(room)
  keepJudgedContent(sql, { event_id: eventId, content: JSON.stringify(content) })
  logRecord(room, 'judged', eventId)
}

/** An event is missing, and belongs at a position. What is known already stays. */
export function openGap(room: RoomWriter, gap: GapRow): void {
  if (gapOf(room.store.sql, gap.event_id) !== undefined) return
  noteApart(room)
  noteGap(room.store.sql, gap)
  logRecord(room, 'gap', gap.event_id)
}

/** An event is missing no more. */
export function endGap(room: RoomWriter, eventId: string): void {
  if (gapOf(room.store.sql, eventId) === undefined) return
  noteApart(room)
  closeGap(room.store.sql, eventId)
  logRecord(room, 'gap', eventId)
}

/** An event came in through this server, which tells the others of it. It may stand in line, as in a room without branches. */
export function relay(room: RoomWriter, pos: number): void {
  if (isRelayed(room.store.sql, pos)) return
  noteRelayed(room.store.sql, pos)
  logRecord(room, 'relayed', String(pos))
}

/** Runs what stages events, or takes them up, and logs what that changes. */
export function staging(room: RoomWriter, work: () => void): void {
  const { sql } = room.store
  const before = stagedMarks(sql)
  work()
  const after = stagedMarks(sql)
  const ids = new Set([...before.keys(), ...after.keys()])
  const changed = [...ids].filter((eventId) => before.get(eventId) !== after.get(eventId))
  if (changed.length > 0) noteApart(room)
  for (const eventId of changed) logRecord(room, 'staged', eventId)
}
