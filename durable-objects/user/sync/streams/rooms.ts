/**
 * The rooms of a sync: events, state, and what else Rooms tell. Their place in the token is a position for each room.
 * What wakes brought is answered at once; other Rooms are asked.
 */
import type { RoomSlice } from '../../../../src/objects/room/sync.ts'
import { placeOfDevices } from '../heads/epochs.ts'
import type { Told } from '../heads/heads.ts'
import type { SyncQuery } from '../query.ts'
import type { SyncToken } from '../sync-token.ts'
import { owesRooms, type Plan, type PlanParts, planRooms, type RoomsPlan, type Task } from './room-plan.ts'
import { type PullParts, Pulls, takeIncrements } from './room-pulls.ts'
import type { Span, Stream } from './stream.ts'

export interface RoomsParts extends PullParts, PlanParts {}

/** What came of the rooms that were asked for. */
export interface Asked {
  slices: ReadonlyMap<Task, RoomSlice>
  told: Told
}

export class RoomsStream implements Stream {
  readonly #parts: RoomsParts
  readonly #pulls: Pulls

  constructor(parts: RoomsParts) {
    this.#parts = parts
    this.#pulls = new Pulls(parts)
  }

  behind(token: SyncToken): boolean {
    const { heads, memberships } = this.#parts
    return !heads.epochs.lives(token) || owesRooms(token, memberships) || heads.behind(token)
  }

  /** Asks the Rooms that may have moved. */
  async after(query: SyncQuery, span: Span, plan: Plan = planRooms): Promise<Asked> {
    const planned = plan(this.#parts, query, span)
    const { tasks, length } = planned
    const slices = new Map<Task, RoomSlice>()
    const unanswered = tasks.filter((task) => !takeIncrements(query, task, slices))
    await this.#pulls.run(query, unanswered, slices, length)
    return { slices, told: toldBy(planned, slices) }
  }

  /** As `after`, from what is at hand; undefined where a Room must be asked. */
  atOnce(query: SyncQuery, span: Span, plan: Plan = planRooms): Asked | undefined {
    const planned = plan(this.#parts, query, span)
    const { tasks } = planned
    const slices = new Map<Task, RoomSlice>()
    if (!tasks.every((task) => takeIncrements(query, task, slices))) return undefined
    return { slices, told: toldBy(planned, slices) }
  }
}

function toldBy({ tasks, looked }: RoomsPlan, slices: ReadonlyMap<Task, RoomSlice>): Told {
  const moved = new Map<number, number>()
  for (const [room, pos] of looked ?? []) moved.set(placeOfDevices(room), pos)
  const owed = new Set<number>()
  for (const [{ room, hidden }, { head }] of slices)
    if (room.membership === 'join') moved.set(hidden ? placeOfDevices(room.no) : room.no, head)
  for (const task of tasks) {
    if (slices.has(task)) continue
    const { room, since } = task
    if (room.membership !== 'join') owed.add(room.no)
    // A room that is new to the client and did not answer: named, so that it comes whole with a later answer.
    else if (since === 0) moved.set(room.no, 0)
  }
  return { moved, owed }
}
