/**
 * A User object: what it does with wakes, polls and the answers of Rooms. Where rooms and tokens stand, which rooms a
 * sync asks, where answers stand and what becomes of waiting clients is the object's own code. `World` carries its calls.
 */
import type { Place } from '../../../durable-objects/user/sync/heads/epochs.ts'
import type { Heads } from '../../../durable-objects/user/sync/heads/heads.ts'
import type { Question } from '../../../durable-objects/user/sync/heads/known-heads.ts'
import type { LeftPlace } from '../../../durable-objects/user/sync/heads/left-news.ts'
import type { Waiting } from '../../../durable-objects/user/sync/heads/waiting.ts'
import type { Increment } from '../../../src/objects/room/sync.ts'
import { headsWithout, waitingWithout } from './heads.ts'
import type { Wake } from './room.ts'
import type { Rule } from './rules.ts'
import { ModelStore } from './store.ts'

export interface Socket {
  device: number
  place: Place
  level: boolean
  /** What was left for later when this was written. */
  left: readonly LeftPlace[]
}

/** What an answer tells of a room: what lies in (from, to]. */
interface Told {
  from: number
  to: number
}

/** One sync under way: where it began, what it has learned, and which rooms it has not asked yet. */
export interface Poll {
  device: number
  from: Place | undefined
  got: Map<number, Told>
  todo: number[]
  looks: number
  /** The room that is being asked. */
  question: Question | undefined
}

const NO_ROOMS: ReadonlySet<number> = new Set()

export class User {
  heads: Heads
  #waiting: Waiting<Socket>
  sockets: Socket[] = []
  /** A turn is due in which the waiting are served. */
  serveDue = false
  /** The user does not look: quiet news are left for later (decision 35). */
  #rests = false
  readonly #store = new ModelStore()
  readonly #rooms: readonly number[]
  readonly #longestTail: number
  readonly #without: Rule | undefined

  constructor(rooms: readonly number[], longestTail: number, without: Rule | undefined) {
    this.#rooms = rooms
    this.#longestTail = longestTail
    this.#without = without
    this.heads = this.#freshHeads()
    this.#waiting = this.#freshWaiting()
  }

  #freshHeads(): Heads {
    const rooms = { joined: () => this.#rooms, isJoined: () => true }
    return headsWithout(this.#without, { store: this.#store, rooms, longestTail: this.#longestTail })
  }

  #freshWaiting(): Waiting<Socket> {
    return waitingWithout<Socket>(this.#without, this.heads, {
      all: () => this.sockets,
      behind: ({ place }) => this.heads.behind(place),
      isLevel: ({ level }) => level,
      setLevel: (socket, level) => {
        socket.level = level
        socket.left = this.heads.left
      },
    })
  }

  /** A new incarnation: what was stored is there, and the sockets, unless the object was reset. */
  restart(keepsSockets: boolean): void {
    this.heads = this.#freshHeads()
    this.#waiting = this.#freshWaiting()
    if (!keepsSockets) this.sockets = []
    this.serveDue = this.heads.learnFrom(this.sockets)
  }

  /** @returns whether the subscription is given up, which it may be where `idle` */
  wake(wake: Wake, idle: boolean): boolean {
    if (this.#leaves(wake)) return false
    const { room, to, increment } = wake
    this.heads.takeLeft()
    this.heads.woken(room, to)
    this.heads.keep(room, increment, 1)
    this.#waiting.woken()
    this.serveDue = true
    return idle && this.sockets.length === 0 && this.heads.release(room)
  }

  #leaves({ room, to, increment, quiet }: Wake): boolean {
    if (!this.#rests || !quiet || increment === undefined || this.sockets.length === 0) return false
    if (!this.heads.leave({ room, to, increment, length: 1 })) return false
    for (const socket of this.sockets) socket.left = this.heads.left
    return true
  }

  /** The user goes, or is back and told what was left. */
  rest(rests: boolean): void {
    this.#rests = rests
    if (!rests) this.tellLeft()
  }

  /** Something else is told, or it has waited for long enough. */
  tellLeft(): void {
    if (!this.heads.takeLeft()) return
    this.#waiting.woken()
    this.serveDue = true
  }

  /** @returns the sockets that are behind: each becomes a poll */
  serve(): Socket[] {
    this.serveDue = false
    const behind = this.#waiting.look()
    this.sockets = this.sockets.filter((socket) => !behind.includes(socket))
    return behind
  }

  begin(device: number, token: Place | undefined): Poll {
    const from = token !== undefined && this.heads.epochs.lives(token) ? token : undefined
    if (!this.#rests || from === undefined || this.heads.behind(from)) this.tellLeft()
    const poll: Poll = { device, from, got: new Map(), todo: [], looks: 0, question: undefined }
    this.#look(poll)
    return poll
  }

  /** Takes what wakes have brought, and notes which Rooms must be asked. */
  #look(poll: Poll): void {
    for (const room of this.#rooms) {
      const since = this.position(poll.from, room)
      const news = poll.from === undefined ? 'unknown' : this.heads.newsOf(poll.from, room, since)
      if (news === undefined) continue
      const increments = news === 'unknown' ? undefined : this.heads.between(room, since, news)
      if (increments === undefined) poll.todo.push(room)
      else poll.got.set(room, toldBy(increments, since))
    }
  }

  /** Goes on to the next room that must be asked, if there is one. */
  ask(poll: Poll): Question | undefined {
    const room = poll.todo.pop()
    if (room === undefined) return undefined
    poll.question = this.heads.ask(room, true)
    this.#asked()
    return poll.question
  }

  /** @param head undefined: the answer was lost */
  answered(poll: Poll, question: Question, head: number | undefined): void {
    poll.question = undefined
    this.heads.answered(question, head)
    if (head !== undefined)
      poll.got.set(question.room, { from: this.position(poll.from, question.room), to: head })
    this.#asked()
  }

  /** The poll goes on without the answer; the question is under way still. */
  gaveUp(poll: Poll, question: Question): void {
    poll.question = undefined
    this.heads.gaveUp(question)
  }

  /** An answer comes that nobody waits for. */
  endLate(question: Question): void {
    this.heads.endedLate(question)
    this.#asked()
  }

  /** The token of a poll that has asked everywhere; undefined: it looks once more, or its epoch is gone. */
  finish(poll: Poll): Place | undefined {
    if (poll.from !== undefined && !this.heads.epochs.lives(poll.from)) {
      Object.assign(poll, this.begin(poll.device, undefined))
      return undefined
    }
    const moved = new Map([...poll.got].map(([room, { to }]) => [room, to]))
    const place = this.heads.placeAfter(poll.from, { moved, owed: NO_ROOMS })
    if (isNews(poll) || !this.#waiting.looksAgain(this.heads.behind(place), poll.looks)) return place
    poll.looks += 1
    this.#look(poll)
    return undefined
  }

  /** A poll that a wake has just passed waits with the token it came with, to be served with the others. */
  keepsCompany(device: number, token: Place): boolean {
    if (!this.heads.epochs.lives(token) || !this.heads.behind(token)) return false
    this.sockets.push({ device, place: token, level: false, left: [] })
    this.serveDue = true
    return true
  }

  wait(device: number, place: Place): void {
    const behind = this.heads.behind(place)
    this.sockets.push({ device, place, level: this.heads.settled && !behind, left: this.heads.left })
    if (this.#waiting.begins(behind)) this.serveDue = true
  }

  /** Where a token stands in a room. */
  position(place: Place | undefined, room: number): number {
    return place === undefined ? 0 : this.heads.epochs.position(place, room)
  }

  #asked(): void {
    if (this.#waiting.asked()) this.serveDue = true
  }
}

/** Whether its answer leaves at once: a first one, or one that tells of something. */
export function isNews({ from, got }: Poll): boolean {
  return from === undefined || [...got.values()].some((told) => told.to > told.from)
}

/** What increments tell after a position; from nowhere where they leave a gap. */
function toldBy(increments: readonly Increment[], since: number): Told {
  const told = increments.flatMap(({ events }) => events.map(({ pos }) => pos)).filter((pos) => pos > since)
  const to = increments.at(-1)?.to ?? since
  const isWhole = told.length === to - since && told.every((pos, index) => pos === since + 1 + index)
  return { from: isWhole ? since : Number.NaN, to }
}
