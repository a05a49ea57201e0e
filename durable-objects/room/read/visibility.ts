/** Which events a user may see: the rules of history visibility over the room's state intervals. */

import { type HistoryVisibility, maySeeEvent } from '../../../src/protocol/rooms/history-visibility.ts'
import { isMembership, type Membership } from '../../../src/protocol/rooms/membership.ts'
import { notInRoom } from '../outsiders.ts'
import type { EventRow } from '../rows/events/events.ts'
import { statesAround } from '../rows/events/judged-events.ts'
import type { StatePlace } from '../rows/federation/state-groups.ts'
import { stateMapOf } from '../rows/federation/states.ts'
import { hasForgotten } from '../rows/members/forgotten.ts'
import type { RowReader } from '../rows/reader.ts'
import type { StateRow } from '../rows/state/state.ts'
import { Erasures, type ShownRow } from './erasures.ts'

const VISIBILITIES: ReadonlySet<string> = new Set(['world_readable', 'shared', 'invited', 'joined'])

/** One viewer's eyes on a room: loaded once a request, then asked for each event. */
export class Viewer {
  readonly userId: string
  readonly #memberships: readonly StateRow[]
  readonly #visibilities: readonly StateRow[]
  readonly #erasures: Erasures
  readonly #store: RowReader
  readonly #hasBranches: boolean

  constructor(store: RowReader, userId: string) {
    this.userId = userId
    this.#store = store
    this.#hasBranches = store.isBranched
    const memberships = store.stateHistory('m.room.member', userId)
    const last = memberships.at(-1)?.value
    const gone = last === 'leave' || last === 'ban'
    // A user who forgot the room is treated as never having been a member.
    this.#memberships = gone && hasForgotten(store.sql, userId) ? [] : memberships
    this.#visibilities = store.stateHistory('m.room.history_visibility', '')
    this.#erasures = new Erasures(store, (row, pos) => this.#hadSeen(row, pos))
  }

  /** The event as the viewer may see it: redacted, where its sender was erased; undefined: not at all. */
  shown(row: EventRow): ShownRow | undefined {
    return this.maySee(row) ? this.#erasures.shown(row) : undefined
  }

  /**
   * "Users which had visibility on those events prior to the erasure are still able to see unredacted copies": the
   * users that had joined by then, and only what that let them see.
   */
  #hadSeen(event: Pick<EventRow, 'pos' | 'type' | 'state_key'>, pos: number): boolean {
    const until = this.#memberships.filter((row) => row.from_pos <= pos)
    return until.some((row) => row.value === 'join') && this.#allows(event, until)
  }

  /** Client-Server API §Room History Visibility, with the state just before and just after the event. */
  maySee(event: Pick<EventRow, 'pos' | 'type' | 'state_key'>): boolean {
    return this.#allows(event, this.#memberships)
  }

  #allows(event: Pick<EventRow, 'pos' | 'type' | 'state_key'>, memberships: readonly StateRow[]): boolean {
    const { pos } = event
    const own = event.type === 'm.room.member' && event.state_key === this.userId
    const { after, before, visibility, visibilityAfter } = this.#around(event, own)
    const joinedLater = memberships.some(
      (row) => row.value === 'join' && (row.to_pos === null || row.to_pos > pos),
    )
    // A user's own member event is visible by the membership before it, too. So a user sees the event that ends a stay
    // or a ban.
    if (own && before !== null && before !== 'leave') return true
    return maySeeEvent({ visibility, visibilityAfter, membershipAt: after, joinedLater })
  }

  /** By the intervals; an event of a branch, or of history that came later, has a state of its own. */
  #around({ pos }: Pick<EventRow, 'pos'>, own: boolean) {
    const around = this.#hasBranches ? statesAround(this.#store.sql, pos) : undefined
    if (around === undefined) {
      const after = this.membershipAt(pos)
      return {
        after,
        before: own ? this.membershipAt(pos - 1) : after,
        visibility: this.#visibilityAt(pos - 1),
        visibilityAfter: this.#visibilityAt(pos),
      }
    }
    const after = this.#membershipIn(around.after)
    return {
      after,
      before: own ? this.#membershipIn(around.before) : after,
      visibility: this.#visibilityIn(around.before),
      visibilityAfter: this.#visibilityIn(around.after),
    }
  }

  #membershipIn(place: StatePlace): Membership | null {
    const value = this.#valueIn(place, 'm.room.member', this.userId, 'membership')
    return isMembership(value) ? value : null
  }

  #visibilityIn(place: StatePlace): HistoryVisibility {
    return visibilityOf(this.#valueIn(place, 'm.room.history_visibility', '', 'history_visibility'))
  }

  #valueIn(place: StatePlace, type: string, stateKey: string, field: string): unknown {
    const { sql } = this.#store
    return stateMapOf(sql, { base: place, deltas: [] }).get(type, stateKey)?.pdu.content[field]
  }

  /**
   * Up to which position the room's state is shown: the head for members, the leave for users that left, and the head
   * again where everybody may look (HV6).
   * @throws MatrixError M_FORBIDDEN for everybody else
   */
  stateLimit(head: number): number {
    const end = this.stateEnd(head)
    if (end === undefined) notInRoom()
    return end
  }

  /** As `stateLimit`; undefined for users that are shown no state, such as a user that declined an invite. */
  stateEnd(head: number): number | undefined {
    const current = this.#memberships.at(-1)
    if (current?.value === 'join') return head
    if (this.#visibilityAt(head) === 'world_readable') return head
    const lastJoin = this.#memberships.findLast((row) => row.value === 'join')
    return lastJoin?.to_pos ?? undefined
  }

  /** Passes a viewer that was ever joined, and everybody where everybody may look. @throws MatrixError M_FORBIDDEN */
  requireLook(head: number): void {
    if (this.#memberships.some((row) => row.value === 'join')) return
    if (this.#visibilityAt(head) !== 'world_readable') notInRoom()
  }

  /** The viewer's membership just after a position; null: they had none until then. */
  membershipAt(pos: number): Membership | null {
    return (rowAt(this.#memberships, pos)?.value ?? null) as Membership | null
  }

  /** The position from which on nothing is hidden from the viewer: the join that still stands. */
  get seesAllFrom(): number {
    const current = this.#memberships.at(-1)
    if (current?.value !== 'join') return Number.MAX_SAFE_INTEGER
    const joined = this.#memberships.findLastIndex((row) => row.value !== 'join') + 1
    return this.#memberships[joined]?.from_pos ?? Number.MAX_SAFE_INTEGER
  }

  /** The position of the join that began the viewer's last stay; undefined: they never joined. */
  get lastStayFrom(): number | undefined {
    const last = this.#memberships.findLastIndex((row) => row.value === 'join')
    const before = this.#memberships.slice(0, last).findLastIndex((row) => row.value !== 'join')
    return last < 0 ? undefined : this.#memberships[before + 1]?.from_pos
  }

  #visibilityAt(pos: number): HistoryVisibility {
    return visibilityOf(rowAt(this.#visibilities, pos)?.value)
  }
}

function visibilityOf(value: unknown): HistoryVisibility {
  return (typeof value === 'string' && VISIBILITIES.has(value) ? value : 'shared') as HistoryVisibility
}

function rowAt(rows: readonly StateRow[], pos: number): StateRow | undefined {
  return rows.findLast((row) => row.from_pos <= pos && (row.to_pos === null || row.to_pos > pos))
}
