/** MSC4306: the threads that the user follows, or has ceased to follow. */
import type { ThreadPlace } from '../../../src/objects/room/timeline.ts'
import type { Thread, ThreadSubscription } from '../../../src/objects/user/settings.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { first } from '../../sqlite.ts'

export const THREAD_SUBSCRIPTIONS_TABLE = `
  CREATE TABLE thread_subscriptions (
    room_id TEXT NOT NULL,
    root_id TEXT NOT NULL,
    -- 1: by a client on its own; 0: by the user; null: no more.
    automatic INTEGER,
    -- Where the room stood when the user ceased to follow: what came before brings no client to follow again.
    left_at INTEGER,
    PRIMARY KEY (room_id, root_id)
  ) WITHOUT ROWID;
`

/** MSC4308: the place of the newest change in the user's own log. Rows from before it have none. */
export const THREAD_PLACES = `
  ALTER TABLE thread_subscriptions ADD COLUMN pos INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX thread_subscriptions_by_pos ON thread_subscriptions (pos);
`

/** Threads that a user follows or followed: each is a row for good. */
const MAX_THREADS = 10_000

export type ThreadRow = {
  room_id: string
  root_id: string
  automatic: number | null
  left_at: number | null
  pos: number
}
type Following = Pick<ThreadRow, 'automatic' | 'left_at'>
type Archived = Omit<UserLogEntry, 'seq'>

/** @throws MatrixError M_NOT_FOUND */
export function threadSubscription(sql: SqlStorage, thread: Thread): ThreadSubscription {
  const automatic = find(sql, thread)?.automatic ?? null
  if (automatic === null) throw new MatrixError('M_NOT_FOUND', 'You do not follow this thread')
  return { automatic: automatic === 1 }
}

/**
 * Follows a thread, inside the caller's transaction: as the user wishes, or by a client on its own because of an
 * event at `cause`, which takes nothing back that the user has said.
 * @throws MatrixError IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION, M_RESOURCE_LIMIT_EXCEEDED
 */
export function followThread(
  sql: SqlStorage,
  thread: Thread,
  { cause }: ThreadPlace,
  nextOwn: () => number,
): Archived[] {
  const known = find(sql, thread)
  const automatic = cause === undefined ? 0 : 1
  if (known === undefined) requireRoom(sql)
  else if (known.automatic === automatic || known.automatic === 0) return []
  else if (cause !== undefined && known.left_at !== null && cause <= known.left_at) {
    throw new MatrixError(
      'IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION',
      'You stopped following this thread after that event',
    )
  }
  return write(sql, thread, { automatic, left_at: null }, nextOwn())
}

/** Ceases to follow a thread, inside the caller's transaction; one that was not followed stays so. */
export function leaveThread(
  sql: SqlStorage,
  thread: Thread,
  { head }: ThreadPlace,
  nextOwn: () => number,
): Archived[] {
  const known = find(sql, thread)
  if (known === undefined || known.automatic === null) return []
  return write(sql, thread, { automatic: null, left_at: head }, nextOwn())
}

type Place = Pick<ThreadRow, 'pos' | 'room_id' | 'root_id'>

/** The newest changes after a place of the user's own log, and before another row of the same order. */
export function threadsBetween(
  sql: SqlStorage,
  { after, before }: { after: number; before: Place | undefined },
  limit: number,
): ThreadRow[] {
  const bound = before === undefined ? '' : 'AND (pos, room_id, root_id) < (?, ?, ?)'
  const bindings = before === undefined ? [] : [before.pos, before.room_id, before.root_id]
  const query = `
    SELECT room_id, root_id, automatic, left_at, pos FROM thread_subscriptions
    WHERE pos > ? ${bound} ORDER BY pos DESC, room_id DESC, root_id DESC LIMIT ?`
  return sql.exec<ThreadRow>(query, after, ...bindings, limit).toArray()
}

/** Takes all away, of an account that is closed. Answers what to archive. */
export function dropThreadSubscriptions(sql: SqlStorage): Archived[] {
  const query = 'SELECT room_id, root_id FROM thread_subscriptions'
  const rows = sql.exec<Pick<ThreadRow, 'room_id' | 'root_id'>>(query).toArray()
  sql.exec('DELETE FROM thread_subscriptions')
  return rows.map((row) => ({ kind: 'thread_subscription', key: keyOf(row), body: null }))
}

function keyOf({ room_id, root_id }: Pick<ThreadRow, 'room_id' | 'root_id'>): string {
  return JSON.stringify([room_id, root_id])
}

function find(sql: SqlStorage, { roomId, rootId }: Thread): Following | undefined {
  const query = 'SELECT automatic, left_at FROM thread_subscriptions WHERE room_id = ? AND root_id = ?'
  return first<Following>(sql, query, roomId, rootId)
}

function requireRoom(sql: SqlStorage): void {
  const held = first<{ n: number }>(sql, 'SELECT count(*) AS n FROM thread_subscriptions')?.n ?? 0
  if (held < MAX_THREADS) return
  throw new MatrixError('M_RESOURCE_LIMIT_EXCEEDED', `A user may follow ${MAX_THREADS} threads at most`)
}

function write(
  sql: SqlStorage,
  { roomId, rootId }: Thread,
  { automatic, left_at }: Following,
  pos: number,
): Archived[] {
  const row: ThreadRow = { room_id: roomId, root_id: rootId, automatic, left_at, pos }
  sql.exec(
    'INSERT OR REPLACE INTO thread_subscriptions (room_id, root_id, automatic, left_at, pos) VALUES (?, ?, ?, ?, ?)',
    ...Object.values(row),
  )
  return [{ kind: 'thread_subscription', key: keyOf(row), body: JSON.stringify(row) }]
}
