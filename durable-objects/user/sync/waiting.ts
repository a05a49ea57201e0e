/**
 * Polls that wait: each is answered as soon as it is behind, at once from what wakes have brought, or when the Rooms
 * have been asked. The rules for this are in `heads/waiting.ts`.
 */
import { takeFault } from '../../../src/faults.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type { Clock } from '../../../src/ports/system.ts'
import { lateness } from '../../lateness.ts'
import type { SyncAnswer } from './codecs/codec.ts'
import { Gathering } from './gathering.ts'
import type { Heads } from './heads/heads.ts'
import { Waiting } from './heads/waiting.ts'
import type { PollReader } from './poll-reader.ts'
import type { Poll, WaitingSocket } from './sockets.ts'
import type { Admission } from './streams/admission.ts'
import { parseSyncToken } from './sync-token.ts'

/** Where clients wait, and how they are answered. */
export interface WaitingSockets {
  readonly size: number
  all(): WaitingSocket[]
  /** Those that may be answered now. */
  idle(): WaitingSocket[]
  waits(waiting: WaitingSocket): boolean
  /** Gives an answer, the JSON of its body, whose token is `token`. */
  answer(waiting: WaitingSocket, body: string, token: string): void
  /** The answer is too long for a message, or there is none: the client is to ask in another way. */
  refuse(waiting: WaitingSocket): void
  /** There is nothing to show, but the client's place may have moved. */
  advance(waiting: WaitingSocket, token: string, level: boolean): void
}

export interface WaitingParts {
  sockets: WaitingSockets
  heads: Heads
  /** What a poll that waits asks for. */
  readerOf: (poll: Poll) => PollReader
  clock: Clock
  /** @throws where a session has ended */
  check: (session: Session) => void
  /** Takes what Rooms are about to tell. */
  hear: () => void
  /** What first syncs wait for. */
  admission: Pick<Admission, 'hasWaiting'>
}

/** How a poll is answered. */
export interface Manner {
  session: Session
  /** Opens a socket on which it waits with a token. */
  open: (token: string, level: boolean) => Response
  mayWait: boolean
  /** Whatever there is to tell. */
  atOnce: boolean
  timeoutMs: number
}

/** Characters in a message of a socket, which the platform bounds by 1 MiB. */
const LONGEST_MESSAGE = 300_000
/** How many pauses a poll waits for news without a socket, and how many polls of a user do. */
const HELD_PAUSES = 1.5
const MOST_HELD = 10
/** How soon a Room that was not reached for a waiting poll is asked again. */
const ASK_AGAIN_MS = 1_000

export class WaitingPolls {
  readonly #parts: WaitingParts
  readonly #rules: Waiting<WaitingSocket>
  readonly #gathering = new Gathering(lateness)
  /** Lets polls go on that wait without a socket. */
  readonly #held = new Set<() => void>()
  /** Waiting sockets are about to be served. */
  #serving = false
  #again: ReturnType<typeof setTimeout> | undefined
  /** Counts what may be news for a client: a look during which it stood still has seen everything. */
  #changes = 0

  constructor(parts: WaitingParts) {
    const { sockets } = parts
    this.#parts = parts
    this.#rules = new Waiting(parts.heads, {
      all: () => sockets.idle(),
      behind: (waiting) => this.#isBehind(waiting),
      isLevel: ({ poll }) => poll.level,
      setLevel: (waiting, level) => sockets.advance(waiting, waiting.poll.token, level),
    })
  }

  /**
   * Answers a poll. Goes on from an answer that found nothing while there may be more: wakes came in between, or a Room
   * was not reached. Ends with news, with a token that stands at all heads, or when looking leads nowhere.
   */
  async answer(reader: PollReader, token: string | undefined): Promise<SyncAnswer> {
    let answer = await reader.read(token)
    for (let vain = 0; !answer.news && this.#looksAgain(answer.token, reader, vain); ) {
      const changes = this.#changes
      const next = await reader.read(answer.token)
      vain = next.token === answer.token && changes === this.#changes ? vain + 1 : 0
      answer = next
    }
    return answer
  }

  /** Answers a poll, or lets it wait. */
  async poll(
    reader: PollReader,
    token: string | undefined,
    { open, session, mayWait, atOnce, timeoutMs }: Manner,
  ): Promise<{ answer?: SyncAnswer; response: Response }> {
    this.#parts.hear()
    if (mayWait && token !== undefined && (await this.#hold(reader, token, timeoutMs))) {
      this.#parts.check(session)
      this.#parts.hear()
    }
    const answer = await this.answer(reader, token)
    if (answer.news) this.#gathering.served(this.#parts.clock.now())
    if (answer.news || atOnce) return { answer, response: bodyOf(answer) }
    const level = this.#isLevel(answer.token, reader)
    const response = open(answer.token, level)
    if (!level && this.#rules.begins(reader.behind(answer.token))) this.#serveSoon()
    return { answer, response }
  }

  /** Whether a token teaches every head to an incarnation that reads it. */
  #isLevel(token: string, reader: PollReader): boolean {
    return this.#parts.heads.settled && !reader.behind(token)
  }

  /** How many polls wait without a socket. */
  get held(): number {
    return this.#held.size
  }

  /** Answers those waiting sockets that are behind. */
  serve(): void {
    this.#changes += 1
    for (const goOn of this.#held) goOn()
    for (const waiting of this.#rules.look()) this.#serveOne(waiting)
  }

  /** Serves in the next turn, or later where the machine is behind: wakes that come until then share one answer. */
  serveNext(): void {
    this.#changes += 1
    this.#rules.woken()
    if (this.#parts.sockets.size + this.#held.size === 0 || takeFault('user:no-next-turn')) return
    this.#serveAfter(this.#wait())
  }

  /**
   * Where the machine is behind, a poll first waits here, for company or for news that are about to come: it needs no
   * socket then. Answers whether it waited.
   */
  async #hold(reader: PollReader, token: string, timeoutMs: number): Promise<boolean> {
    const pause = reader.behind(token) ? this.#wait() : HELD_PAUSES * lateness.pause(this.#parts.clock.now())
    if (pause === 0 || pause >= timeoutMs || this.#held.size >= MOST_HELD) return false
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, pause)
    this.#held.add(resolve)
    await promise
    clearTimeout(timer)
    this.#held.delete(resolve)
    return true
  }

  /** A client that stays may be given more. */
  goOn(waiting: WaitingSocket): void {
    const { token } = waiting.poll
    const reader = this.readerOf(waiting)
    if (reader.behind(token)) this.#serveAfter(this.#wait())
    else this.#parts.sockets.advance(waiting, token, this.#isLevel(token, reader))
  }

  /** Gives an answer to a client that waits, if there is anything in it to show. */
  give(waiting: WaitingSocket, reader: PollReader, { news, body, token, rest }: SyncAnswer): void {
    const { sockets } = this.#parts
    const text = news ? JSON.stringify(body) : ''
    if (news) this.#gathering.served(this.#parts.clock.now())
    if (rest.length > 0 || text.length > LONGEST_MESSAGE) sockets.refuse(waiting)
    else if (news) sockets.answer(waiting, text, token)
    else sockets.advance(waiting, token, this.#isLevel(token, reader))
  }

  /** Before Rooms are asked, for any poll, and after. */
  markLevel(): void {
    if (this.#rules.asked()) this.#serveSoon()
  }

  /** After an eviction: what sockets wait with is known, and Rooms may have to be asked for some. */
  wakeUp(): void {
    const { sockets, heads } = this.#parts
    const waiting = sockets.all().map(({ poll: { token, level, left } }) => ({
      place: parseSyncToken(token),
      level,
      left: left?.places,
    }))
    if (heads.learnFrom(waiting)) this.serve()
  }

  // ------------------------------------------------------------ inside

  /** How long news that come now wait for company, ms. */
  #wait(): number {
    return this.#gathering.wait(this.#parts.clock.now(), this.#parts.admission.hasWaiting)
  }

  #serveAfter(wait: number): void {
    if (this.#serving) return
    this.#serving = true
    const { clock } = this.#parts
    const due = clock.now() + wait
    setTimeout(() => {
      this.#serving = false
      lateness.turned(due, clock.now())
      this.serve()
    }, wait)
  }

  /** What a waiting poll asks for: read once in an incarnation. */
  readerOf(waiting: WaitingSocket): PollReader {
    waiting.reader ??= this.#parts.readerOf(waiting.poll)
    return waiting.reader
  }

  #isBehind(waiting: WaitingSocket): boolean {
    return this.readerOf(waiting).behind(waiting.poll.token)
  }

  #looksAgain(token: string, reader: PollReader, vain: number): boolean {
    return this.#rules.looksAgain(reader.behind(token), vain)
  }

  #serveOne(waiting: WaitingSocket): void {
    const reader = this.readerOf(waiting)
    try {
      const answer = reader.readAtOnce(waiting.poll.token)
      if (answer === undefined) void this.#serveLater(waiting, reader)
      else this.give(waiting, reader, answer)
    } catch {
      // Its Worker asks again, and is told why there is no answer.
      this.#parts.sockets.refuse(waiting)
    }
  }

  /** Asks the Rooms for a waiting socket; what comes meanwhile is looked at when they have answered. */
  async #serveLater(waiting: WaitingSocket, reader: PollReader): Promise<void> {
    const { sockets } = this.#parts
    const { token } = waiting.poll
    waiting.busy = true
    sockets.advance(waiting, token, false)
    try {
      this.give(waiting, reader, await this.answer(reader, token))
    } catch {
      sockets.refuse(waiting)
    } finally {
      waiting.busy = false
      // A Room was not reached, and its wake is answered: nothing else would ask it again.
      if (sockets.waits(waiting) && this.#isBehind(waiting)) this.#serveSoon()
    }
  }

  #serveSoon(): void {
    if (this.#again !== undefined) return
    this.#again = setTimeout(() => {
      this.#again = undefined
      this.serve()
    }, ASK_AGAIN_MS)
  }
}

/** The answer, and beside it what the Worker adds to it from the Rooms. */
function bodyOf({ body, rest }: SyncAnswer): Response {
  if (rest.length === 0) return Response.json(body)
  return Response.json({ body, rest }, { headers: { 'x-sync-rest': String(rest.length) } })
}
