/** A user with some devices and rooms, and all that networks and platforms do between them, chosen from a seed. */
import type { Place } from '../../../durable-objects/user/sync/heads/epochs.ts'
import type { Question } from '../../../durable-objects/user/sync/heads/known-heads.ts'
import { type Choices, choicesFrom } from '../interleavings/random.ts'
import { Room, type Wake } from './room.ts'
import type { Rule } from './rules.ts'
import { isNews, type Poll, User } from './user.ts'

/** A question on its way to a Room, and then the answer on its way back. */
interface Call {
  question: Question
  poll: Poll
  /** The answer, once the Room has given it. */
  head?: number
  /** Nobody waits for it any more. */
  late: boolean
}

interface Device {
  id: number
  token: Place | undefined
  older: Place[]
}

/** Tokens that a device may still use. */
const KEPT_TOKENS = 4

/** A longer tail begins a new epoch. */
const LONGEST_TAIL = 2

/** Runs end at any point: what is lost at the end is seen, and what comes after it may mend it. */
const FEWEST_STEPS = 20
const MORE_STEPS = 100

export class World {
  readonly #choices: Choices
  readonly #rooms: Room[]
  readonly #user: User
  readonly #devices: Device[]
  #polls: Poll[] = []
  #calls: Call[] = []
  #wakes: Wake[] = []
  #answers: { wake: Wake; unsubscribe: boolean }[] = []
  #broken: string | undefined

  constructor(seed: number, without?: Rule) {
    this.#choices = choicesFrom(seed)
    const roomCount = 1 + this.#choices.below(5)
    this.#rooms = Array.from({ length: roomCount }, () => new Room(without))
    const longestTail = this.#choices.below(LONGEST_TAIL + 1)
    this.#user = new User([...this.#rooms.keys()], longestTail, without)
    const deviceCount = 1 + this.#choices.below(3)
    this.#devices = Array.from({ length: deviceCount }, (_, id) => ({ id, token: undefined, older: [] }))
  }

  /** @returns what was lost, or undefined */
  run(): string | undefined {
    if (this.#choices.chance(0.4)) this.#begin()
    const steps = FEWEST_STEPS + this.#choices.below(MORE_STEPS)
    for (let i = 0; i < steps && this.#broken === undefined; i += 1) this.#step()
    return this.#broken ?? this.#calmDown()
  }

  /** Everybody has been told everything, and waits: few random steps lead there. */
  #begin(): void {
    for (const device of this.#devices) {
      const token = this.#lastOf(device, undefined)!
      device.token = token
      device.older = [token]
      this.#user.wait(device.id, token)
    }
    this.#user.rest(this.#choices.chance(0.5))
  }

  #step(): void {
    const choices = this.#choices
    if (choices.chance(0.06)) {
      this.#look()
      return
    }
    const dice = choices.next()
    if (dice < 0.12) choices.pick(this.#rooms).happen(choices.chance(0.6))
    else if (dice < 0.22) this.#poll(choices.pick(this.#devices), choices.chance(0.2))
    else if (dice < 0.34) this.#sendWake(choices.below(this.#rooms.length))
    else if (dice < 0.46) this.#deliverWake(choices.chance(0.2))
    else if (dice < 0.56) this.#deliverWakeAnswer(choices.chance(0.2))
    else if (dice < 0.78) this.#moveCall(choices.next())
    else if (dice < 0.9) this.#movePoll()
    else if (dice < 0.96) this.#serve()
    else this.#restart(choices.chance(0.5))
  }

  /** The user looks no more, or is back, or has something else to be told. */
  #look(): void {
    if (this.#choices.chance(0.2)) this.#user.tellLeft()
    else this.#user.rest(this.#choices.chance(0.6))
  }

  #poll(device: Device, withAnOldToken: boolean): void {
    const [first] = device.older
    const token = withAnOldToken && first !== undefined ? this.#choices.pick(device.older) : device.token
    this.#user.sockets = this.#user.sockets.filter((socket) => socket.device !== device.id)
    this.#polls = this.#polls.filter((poll) => poll.device !== device.id || poll.question !== undefined)
    if (token !== undefined && this.#choices.chance(0.15) && this.#user.keepsCompany(device.id, token)) return
    this.#polls.push(this.#user.begin(device.id, token))
  }

  #sendWake(room: number): void {
    const wake = this.#rooms[room]?.wake(room, this.#choices.chance(0.5))
    if (wake !== undefined) this.#wakes.push(wake)
  }

  /** In any order; a copy may come again, and one may be lost. */
  #deliverWake(stays: boolean): void {
    const wake = this.#takeAny(this.#wakes, stays)
    if (wake === undefined || this.#choices.chance(0.15)) return
    const unsubscribe = this.#user.wake(wake, this.#choices.chance(0.3))
    this.#answers.push({ wake, unsubscribe })
  }

  #deliverWakeAnswer(lost: boolean): void {
    const answer = this.#takeAny(this.#answers, false)
    if (answer !== undefined && !lost) this.#rooms[answer.wake.room]?.woken(answer.wake, answer.unsubscribe)
  }

  /** Brings a question to its Room, an answer back, loses either, or ends the patience of the poll behind it. */
  #moveCall(dice: number): void {
    const call = this.#takeAny(this.#calls, true)
    if (call === undefined) return
    if (dice < 0.1 && !call.late) {
      call.late = true
      this.#user.gaveUp(call.poll, call.question)
    } else if (dice < 0.2) {
      this.#end(call, undefined)
    } else if (call.head === undefined) {
      call.head = this.#rooms[call.question.room]?.pull() ?? 0
    } else {
      this.#end(call, call.head)
    }
  }

  #end(call: Call, head: number | undefined): void {
    this.#calls.splice(this.#calls.indexOf(call), 1)
    if (call.late) this.#user.endLate(call.question)
    else this.#user.answered(call.poll, call.question, head)
  }

  #movePoll(): void {
    const poll = this.#choices.pick(this.#polls.filter((one) => one.question === undefined))
    if (poll === undefined) return
    const question = this.#user.ask(poll)
    if (question !== undefined) {
      this.#calls.push({ question, poll, late: false })
      return
    }
    const token = this.#user.finish(poll)
    if (token !== undefined) this.#answer(poll, token)
  }

  #answer(poll: Poll, token: Place): void {
    this.#polls.splice(this.#polls.indexOf(poll), 1)
    this.#checkGaps(poll, token)
    if (!isNews(poll)) this.#user.wait(poll.device, token)
    const device = this.#devices[poll.device]
    // An answer that is lost is asked for again, with the same token.
    if (device === undefined || this.#choices.chance(0.2)) return
    device.token = token
    device.older = [...device.older, token].slice(-KEPT_TOKENS)
  }

  /** What an answer told must lie between its two tokens, room by room. */
  #checkGaps({ from, got }: Poll, token: Place): void {
    // The answer may have begun an epoch, for which that of its first token went.
    if (from === undefined || !this.#user.heads.epochs.lives(from)) return
    for (const room of this.#rooms.keys()) {
      const before = this.#user.position(from, room)
      const after = this.#user.position(token, room)
      const told = got.get(room) ?? { from: before, to: before }
      if (told.from !== before || told.to !== after)
        this.#broken ??= `a gap in room ${room}: ${before} to ${after}, told ${told.from} to ${told.to}`
    }
  }

  #serve(): void {
    if (!this.#user.serveDue) return
    for (const { device, place } of this.#user.serve()) this.#polls.push(this.#user.begin(device, place))
  }

  /** The object is evicted, or reset. Its calls may still reach the Rooms; nobody hears the answers. */
  #restart(keepsSockets: boolean): void {
    this.#polls = []
    for (const { question, head } of this.#calls) {
      if (head === undefined && this.#choices.chance(0.5)) this.#rooms[question.room]?.pull()
    }
    this.#calls = []
    this.#user.restart(keepsSockets)
  }

  // ------------------------------------------------------------ the end

  /** Nothing more is lost: the waiting must be woken, and every token lead to every head. */
  #calmDown(): string | undefined {
    this.#settle()
    // Until the user looks, what cannot wait was told.
    for (const { device, place } of this.#user.sockets) {
      const late = this.#rooms.findIndex(({ loud }, room) => this.#user.position(place, room) < loud)
      if (late !== -1) return `asleep: device ${device} waits for what is loud in room ${late}`
    }
    this.#user.rest(false)
    this.#settle()
    for (const { device, place } of this.#user.sockets) {
      const missing = this.#missing(place)
      if (missing !== undefined) return `asleep: device ${device} waits, ${missing}`
    }
    for (const device of this.#devices) {
      for (const token of [device.token, ...device.older]) {
        const missing = this.#missing(this.#lastOf(device, token))
        if (missing !== undefined) return `stalled: device ${device.id}, ${missing}`
      }
    }
    return undefined
  }

  #settle(): void {
    for (let rounds = 0; rounds < 60; rounds += 1) {
      for (const call of [...this.#calls]) {
        call.head ??= this.#rooms[call.question.room]?.pull() ?? 0
        this.#end(call, call.head)
      }
      for (const { wake, unsubscribe } of this.#answers.splice(0)) {
        this.#rooms[wake.room]?.woken(wake, unsubscribe)
      }
      for (const wake of this.#wakes.splice(0)) {
        this.#rooms[wake.room]?.woken(wake, this.#user.wake(wake, false))
      }
      for (const room of this.#rooms.keys()) this.#sendWake(room)
      this.#serve()
      for (let n = this.#polls.length; n > 0; n -= 1) this.#movePoll()
    }
  }

  /** Where a device comes to that asks again and again. */
  #lastOf(device: Device, first: Place | undefined): Place | undefined {
    let token = first
    for (let n = 0; n < 8; n += 1) {
      const poll = this.#user.begin(device.id, token)
      let next: Place | undefined
      while (next === undefined) {
        const question = this.#user.ask(poll)
        if (question === undefined) next = this.#user.finish(poll)
        else this.#user.answered(poll, question, this.#rooms[question.room]?.pull() ?? 0)
      }
      token = next
    }
    return token
  }

  #missing(token: Place | undefined): string | undefined {
    for (const [room, { head }] of this.#rooms.entries()) {
      const at = this.#user.position(token, room)
      if (at !== head) return `at ${at} of ${head} in room ${room}`
    }
    return undefined
  }

  #takeAny<T>(list: T[], stays: boolean): T | undefined {
    if (list.length === 0) return undefined
    const at = this.#choices.below(list.length)
    return stays ? list[at] : list.splice(at, 1)[0]
  }
}
