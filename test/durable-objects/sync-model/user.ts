/** A User object: what it does with wakes, polls and the answers of Rooms. `World` carries its calls. */
import type { KnownHeads, Question } from '../../../durable-objects/user/sync/known-heads.ts'
import { StoredEpochs, type Token } from './epochs.ts'
import { headsWithout, WithoutLateEnd } from './heads.ts'
import type { Rule } from './rules.ts'

export interface Socket {
  device: number
  token: Token
  level: boolean
}

/** One sync under way: where it began, what it has learned, and which rooms it has not asked yet. */
export interface Poll {
  device: number
  from: Token | undefined
  positions: Map<number, number>
  got: Map<number, { from: number; to: number }>
  todo: number[]
  looks: number
  /** The room that is being asked. */
  question: Question | undefined
}

/** How often a poll that found nothing looks again. */
const LOOKS = 2

export class User {
  readonly epochs = new StoredEpochs()
  heads: KnownHeads
  sockets: Socket[] = []
  /** A turn is due in which the waiting are served. */
  serveDue = false
  readonly #rooms: readonly number[]
  readonly #without: Rule | undefined

  constructor(rooms: readonly number[], without: Rule | undefined) {
    this.#rooms = rooms
    this.#without = without
    this.heads = headsWithout(without)
  }

  /** A new incarnation: what was stored is there, and the sockets, unless the object was reset. */
  restart(keepsSockets: boolean): void {
    this.heads = headsWithout(this.#without)
    this.serveDue = false
    if (!keepsSockets) this.sockets = []
    for (const { token, level } of this.sockets) {
      if (!level && this.#without !== 'levelOnly') this.serveDue = true
      else if (this.epochs.lives(token))
        for (const room of this.#rooms) this.heads.learn(room, this.epochs.position(token, room))
    }
  }

  /** @returns whether the subscription is given up, which it may be where `idle` */
  wake(room: number, to: number, idle: boolean): boolean {
    if (this.#without !== 'noteWakes') this.epochs.note(room)
    this.heads.raise(room, to)
    if (this.#without !== 'wakeUnlevels') for (const socket of this.sockets) socket.level = false
    this.serveDue = true
    const unsubscribe = idle && this.sockets.length === 0 && !this.heads.asking(room)
    if (unsubscribe) this.heads.forget(room)
    return unsubscribe
  }

  /** @returns the sockets that are behind: each becomes a poll */
  serve(): Socket[] {
    this.serveDue = false
    const behind = this.sockets.filter(({ token }) => this.behind(token))
    this.sockets = this.sockets.filter((socket) => !behind.includes(socket))
    this.#markLevel()
    return behind
  }

  begin(device: number, token: Token | undefined): Poll {
    const from = token !== undefined && this.epochs.lives(token) ? token : undefined
    const at = (room: number) => (from === undefined ? 0 : this.epochs.position(from, room))
    const positions = new Map(this.#rooms.map((room) => [room, at(room)]))
    const todo = this.#candidates(from)
    return { device, from, positions, got: new Map(), todo, looks: 0, question: undefined }
  }

  /** Goes on to the next room that must be asked, if there is one. */
  ask(poll: Poll): Question | undefined {
    for (let room = poll.todo.pop(); room !== undefined; room = poll.todo.pop()) {
      const head = this.heads.head(room)
      if (poll.from !== undefined && head !== undefined && head <= (poll.positions.get(room) ?? 0)) continue
      if (this.#without !== 'noteBeforeAsking') this.epochs.note(room)
      poll.question = this.heads.ask(room)
      this.#markLevel()
      return poll.question
    }
    return undefined
  }

  /** @param head undefined: the answer was lost */
  answered(poll: Poll, question: Question, head: number | undefined): void {
    poll.question = undefined
    this.heads.answered(question, head)
    const from = poll.positions.get(question.room) ?? 0
    if (head !== undefined && head > from) {
      const before = poll.got.get(question.room)?.from ?? from
      poll.got.set(question.room, { from: before, to: head })
      poll.positions.set(question.room, head)
    }
    this.#afterAsking()
  }

  /** The poll goes on without the answer; the question is under way still. */
  gaveUp(poll: Poll, { room }: Question): void {
    poll.question = undefined
    this.heads.lost(room)
  }

  /** An answer comes that nobody waits for. */
  endLate(question: Question): void {
    if (this.heads instanceof WithoutLateEnd) {
      this.heads.end(question)
      return
    }
    this.heads.answered(question, undefined)
    this.#afterAsking()
  }

  /** The token of a poll that has asked everywhere; undefined: it looks once more, or its epoch is gone. */
  finish(poll: Poll): Token | undefined {
    if (poll.from !== undefined && !this.epochs.lives(poll.from)) {
      Object.assign(poll, this.begin(poll.device, undefined))
      return undefined
    }
    const token = poll.from !== undefined && poll.got.size === 0 ? poll.from : this.#issue(poll)
    if (poll.from === undefined || poll.got.size > 0 || !this.behind(token)) return token
    if (this.#without === 'lookAgain' || poll.looks >= LOOKS) return token
    poll.looks += 1
    poll.todo = this.#candidates(poll.from)
    return undefined
  }

  wait(device: number, token: Token): void {
    this.sockets.push({ device, token, level: false })
    this.#markLevel()
    if (this.#without !== 'lookAgain' && this.behind(token)) this.serveDue = true
  }

  behind(token: Token): boolean {
    return this.#rooms.some((room) => {
      const head = this.heads.head(room)
      if (head === undefined) return (this.epochs.moved.get(room) ?? 0) >= token.epoch
      return head > this.epochs.position(token, room)
    })
  }

  #candidates(token: Token | undefined): number[] {
    const moved = (room: number) => this.epochs.moved.get(room) ?? 0
    return this.#rooms.filter(
      (room) => token === undefined || token.tail.has(room) || moved(room) >= token.epoch,
    )
  }

  #issue({ positions, from }: Poll): Token {
    const short = this.epochs.shortToken(positions, from)
    if (short !== undefined) return short
    const before = this.epochs.newest
    const token = this.epochs.start(positions)
    for (const room of this.#rooms) {
      const movedIn = this.epochs.moved.get(room) ?? 0
      const standing = { movedIn, epoch: before, position: positions.get(room) ?? 0 }
      if (this.heads.carries(room, standing)) this.epochs.note(room)
    }
    return token
  }

  #afterAsking(): void {
    this.#markLevel()
    const doubt = this.sockets.some(({ level }) => !level) && !this.heads.asking()
    if (doubt && this.#without !== 'rouse') this.serveDue = true
  }

  #markLevel(): void {
    const asking = this.#without !== 'askingUnlevels' && this.heads.asking()
    for (const socket of this.sockets) socket.level = !asking && !this.behind(socket.token)
  }
}
