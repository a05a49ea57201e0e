/** MSC4308: which threads the user has begun or ceased to follow, the newest first. */
import type { ThreadChanges } from '../../../src/objects/user/settings.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { type ThreadRow, threadsBetween } from './thread-subscriptions.ts'

/** What is asked for: the newest changes after a place of the user's own log, and before where another page ended. */
export interface ThreadSpan {
  /** Undefined: from the first one on. */
  after: number | undefined
  /** The end of the page before; undefined: the newest changes. */
  from: string | undefined
  limit: number
}

/** Changes in one answer, "a smaller limit than requested". */
export const MOST_CHANGES = 1_000

const END = /^(\d{1,15})~([^~]+)~([^~]+)$/

/** A page of changes, and where it ended if there are more. @throws MatrixError M_INVALID_PARAM for an unknown `from` */
export function threadChanges(sql: SqlStorage, { after = -1, from, limit }: ThreadSpan): ThreadChanges {
  const most = Math.min(limit, MOST_CHANGES)
  const rows = threadsBetween(
    sql,
    { after, before: from === undefined ? undefined : placeOf(from) },
    most + 1,
  )
  const shown = rows.slice(0, most)
  const subscribed: ThreadChanges['subscribed'] = {}
  const unsubscribed: ThreadChanges['unsubscribed'] = {}
  for (const row of shown) {
    const bump_stamp = row.pos
    if (row.automatic === null) add(unsubscribed, row, { bump_stamp })
    else add(subscribed, row, { automatic: row.automatic === 1, bump_stamp })
  }
  const last = shown.at(-1)
  const isMore = rows.length > most && last !== undefined
  return { subscribed, unsubscribed, ...(isMore && { end: `${last.pos}~${last.room_id}~${last.root_id}` }) }
}

function add(changes: Record<string, JsonObject>, { room_id, root_id }: ThreadRow, change: JsonObject): void {
  changes[room_id] = { ...changes[room_id], [root_id]: change }
}

function placeOf(end: string): Pick<ThreadRow, 'pos' | 'room_id' | 'root_id'> {
  const [, pos, room_id, root_id] = END.exec(end) ?? []
  if (pos === undefined || room_id === undefined || root_id === undefined)
    throw new MatrixError('M_INVALID_PARAM', 'Unknown token in from')
  return { pos: Number(pos), room_id, root_id }
}
