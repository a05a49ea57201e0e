/** What one sync asks for: its rooms, and where each stands. */
import type { Increment } from '../../src/ports.ts'
import type { Filter } from '../../src/protocol/filter.ts'
import type { UserRoom } from './memberships.ts'
import type { SyncQuery } from './room-sections.ts'
import type { SyncToken } from './sync-token.ts'

/** One room of a sync: where it stands, and how its part is got. */
export interface Task {
  room: UserRoom
  since: number
  /** First sight, or all state again. */
  full: boolean
  /** First sight in this chain of tokens: shown even when empty. */
  first: boolean
  /** The client may have been told of it already, where its token does not say how far: shown as `limited`. */
  gap?: boolean
  /** Who is in the room counts as changed, or as left: the user has come or gone since the token. */
  everyone?: boolean
  /**
   * The filter leaves the room out: nothing of it is shown, but the devices of its members are the client's concern.
   * `device_lists` is no part of what a filter can name (Client-Server API §Filtering).
   */
  hidden?: boolean
  /** Given where wakes have brought everything already. */
  increments?: Increment[]
}

export interface Plan {
  /** Absent for an initial sync, and for a token whose epoch is gone. */
  token: SyncToken | undefined
  /** A token was given, but its epoch is gone: the answer is that after a long absence. */
  absent: boolean
  since: number
  own: number
  tasks: Task[]
}

/** What asks a Room for nothing but its members' devices. */
export const DEVICES_ONLY: Filter = { room: { timeline: { limit: 0, types: [] }, state: { types: [] } } }

/**
 * Rooms left since the token: shown up to the leave (SYNC9). Those left before are shown in an initial sync, and
 * only to who asks for them.
 */
export function leftTask(query: SyncQuery, plan: Plan, room: UserRoom): Task | undefined {
  if (room.membership !== 'leave' && room.membership !== 'ban') return undefined
  const initial = plan.token === undefined && !plan.absent
  const wanted = initial ? query.filter?.room?.include_leave === true : room.own > plan.since
  return wanted ? { room, since: 0, full: initial, first: true } : undefined
}
