/** Asks Rooms for a sync, by the rules of decisions 3 and 10: what an answer stands for, and what a lost one leaves. */
import type { PullRequest, RoomCard, RoomSlice } from '../../../../src/objects/room/sync.ts'
import { patiently } from '../../../../src/patience.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { type Filter, timelineLimit } from '../../../../src/protocol/matching/filter.ts'
import { inTurns } from '../../../../src/worker-pool.ts'
import type { Heads } from '../heads/heads.ts'
import type { Question } from '../heads/known-heads.ts'
import { askedTogether, type Pulled, type PullRooms } from '../pull-transport.ts'
import type { SyncQuery } from '../query.ts'
import type { UnreadCounts } from '../unread.ts'
import type { Admission } from './admission.ts'
import { DEVICES_ONLY, type Task } from './room-plan.ts'
import { sliceOf } from './timeline.ts'

export interface PullParts {
  userId: string
  pullRooms: PullRooms
  /** Bounds what all User objects of this isolate ask at once. */
  admission: Admission
  heads: Heads
  unread: UnreadCounts
  /** What the user has stored of their push rules; undefined: the default ones. */
  ruleset: () => JsonObject | undefined
  /** Where the cards of rooms are kept; undefined: nobody wants them. */
  cards: () => { learn: (room: number, card: RoomCard) => void } | undefined
  /** A room was found further than it was known: waiting sockets may have to be told. */
  moved: () => void
  /** Rooms are about to be asked, or have answered: what is certain of waiting sockets has changed. */
  asking: () => void
}

/** Characters of the rooms in one answer; what is left comes with the next. An isolate has 128 MB for many objects. */
const ANSWER_LENGTH = 16_000_000
/** What a room counts for if its state goes on in slices: each costs the Worker calls. */
const REST_LENGTH = 1_000_000
/** Pulls under way at once: a Durable Object has six waiting connections. */
const PULLS = 6
/** A Room that hangs holds up no other, ms: it counts as one that could not be reached. */
const PULL_PATIENCE_MS = 5_000

/** Answers a task from the increments that wakes have brought, where these are enough. */
export function takeIncrements(query: SyncQuery, task: Task, slices: Map<Task, RoomSlice>): boolean {
  if (task.increments === undefined) return false
  if (query.filter?.event_format === 'federation' && !task.hidden) return false
  const shown = { ...query, filter: filterOf(query, task) }
  const slice = sliceOf(task.increments, task.since, shown, task.room.roomId)
  // Behind a gap a client needs the aggregations of what it is shown, and those the Room makes for each viewer.
  if (slice.limited) return false
  slices.set(task, slice)
  return true
}

/** What is wanted of a room. */
function filterOf(query: SyncQuery, task: Task): Filter | undefined {
  return task.hidden ? DEVICES_ONLY : (task.filter ?? query.filter)
}

export class Pulls {
  readonly #parts: PullParts

  constructor(parts: PullParts) {
    this.#parts = parts
  }

  /**
   * Asks the Rooms of all tasks, a few at once, and puts what they answer into `slices`: until the answer is as long
   * as one may be. Rooms that were left come first: no later answer shows them by itself.
   */
  async run(
    query: SyncQuery,
    tasks: readonly Task[],
    slices: Map<Task, RoomSlice>,
    longest = ANSWER_LENGTH,
  ): Promise<void> {
    const isLeft = ({ room }: Task) => room.membership !== 'join'
    const queue = askedTogether([...tasks.filter(isLeft), ...tasks.filter((task) => !isLeft(task))])
    this.#parts.heads.noteAll(tasks.filter((task) => !isLeft(task)).map(({ room }) => room.no))
    const sync = this.#parts.admission.begin(tasks.filter(({ full }) => full).length)
    let length = 0
    await inTurns(queue, PULLS, async (some) => {
      // While a question waits it is none yet by the rules of heads: a Room that was not asked tells of its news by wakes.
      const again = await sync.ask(some.length, () => this.#pull(query, some, slices))
      if (again.length > 0) queue.unshift(again)
      if (tasks.length === 1) return
      length += some.reduce((sum, task) => sum + lengthOf(slices.get(task)), 0)
      if (length >= longest) queue.length = 0
    })
  }

  /**
   * Asks Rooms. One that cannot be reached stays where the token has it, to be asked again.
   * @returns the tasks that did not fit into the call
   */
  async #pull(query: SyncQuery, tasks: Task[], slices: Map<Task, RoomSlice>): Promise<Task[]> {
    const { heads } = this.#parts
    const questions = tasks.map(({ room }) => heads.ask(room.no, room.membership === 'join'))
    this.#parts.asking()
    const pulls = tasks.map((task) => ({ roomId: task.room.roomId, request: this.#request(query, task) }))
    const asked = this.#parts.pullRooms(pulls).catch((): Pulled[] => [])
    const answers = await patiently(PULL_PATIENCE_MS, asked)
    for (const [i, question] of questions.entries()) {
      const task = tasks[i] as Task
      const answer = answers?.[i]
      const slice = answer === 'full' ? undefined : answer
      const taken = slice !== undefined && isTaken(task, slice)
      // No answer yet: the Room may still be asked, so the question stays open.
      if (answers === undefined) heads.gaveUp(question)
      else heads.answered(question, taken && task.room.membership === 'join' ? slice.head : undefined)
      if (taken) this.#take(task, slice, slices)
    }
    if (answers === undefined) void asked.then(() => this.#endLate(questions))
    this.#parts.asking()
    return tasks.filter((_, i) => answers?.[i] === 'full')
  }

  /** The Rooms may have given these answers, but nobody waited for them: what they held is asked for anew. */
  #endLate(questions: readonly Question[]): void {
    for (const question of questions) this.#parts.heads.endedLate(question)
    this.#parts.moved()
  }

  #request(query: SyncQuery, task: Task): PullRequest {
    const filter = filterOf(query, task)
    const { timelineSince, devicesSince, profiles } = task
    return {
      userId: this.#parts.userId,
      since: task.since,
      fullState: task.full,
      timelineLimit: timelineLimit(filter),
      filter: { timeline: filter?.room?.timeline, state: filter?.room?.state },
      stateAfter: query.stateAfter,
      federationFormat: filter?.event_format === 'federation',
      everyone: task.everyone === true,
      subscribe: task.room.membership === 'join',
      ...(!task.hidden && {
        unread: { ruleset: this.#parts.ruleset(), counted: this.#parts.unread.countedUpTo(task.room.roomId) },
      }),
      ...(query.ignored?.size && { ignored: [...query.ignored] }),
      ...(timelineSince !== undefined && { timelineSince }),
      ...(devicesSince !== undefined && { devicesSince }),
      ...(profiles !== undefined && { profiles }),
      ...(task.members !== undefined && { members: task.members }),
      ...(this.#parts.cards() !== undefined && { card: true }),
    }
  }

  #take(task: Task, slice: RoomSlice, slices: Map<Task, RoomSlice>): void {
    slices.set(task, slice)
    if (task.room.membership !== 'join') return
    this.#parts.unread.learn(task.room.roomId, slice)
    if (slice.card !== undefined) this.#parts.cards()?.learn(task.room.no, slice.card)
    if (slice.head > task.since) this.#parts.moved()
  }
}

function lengthOf(slice: RoomSlice | undefined): number {
  if (slice === undefined) return 0
  return JSON.stringify(slice).length + (slice.rest === undefined ? 0 : REST_LENGTH)
}

/**
 * Whether an answer is about the membership that it was asked for. The feed brings the change; until then the room is
 * shown neither here nor there.
 */
function isTaken({ room }: Task, slice: RoomSlice): boolean {
  return (room.membership === 'join') === (slice.membership === 'join')
}
