/**
 * A user that is idle does not look: the receipts and typing of others wait for company at the user's object, and end no
 * poll by themselves (decision 35). Which wakes may be left, and what follows for heads, are rules of `heads`.
 */
import { takeFault } from '../../../src/faults.ts'
import type { Increment } from '../../../src/objects/room/sync.ts'
import type { News } from '../../../src/objects/user/sync.ts'
import type { Clock } from '../../../src/ports/system.ts'
import type { Presence } from '../presence/presence.ts'
import type { Heads } from './heads/heads.ts'
import type { Sockets } from './sockets.ts'
import { showsActivity } from './wakes.ts'

/** How long it is left at most, ms: the next poll takes it along. */
const LEFT_ALONE_MS = 300_000

export interface LeftAloneParts {
  userId: string
  clock: Clock
  heads: Heads
  sockets: Sockets
  presence: Pick<Presence, 'rests' | 'takeAlong'>
  /** How many streams there are: what they are told costs no request. */
  streams: () => number
  /** Clients that wait may lack something now: they are served in the next turn. */
  serveNext: () => void
}

export class LeftAlone {
  readonly #parts: LeftAloneParts
  #since: number | undefined

  constructor(parts: LeftAloneParts) {
    this.#parts = parts
    this.#since = parts.sockets.left?.since
  }

  /** The sockets that wait have taught the heads what is left. */
  wakeUp(): void {
    this.#keep()
  }

  /** Whether a wake is left for later. It may be answered then as if it had been told. */
  leaves(room: number, { to, increment }: News, length: number): boolean {
    const { clock, heads, presence, sockets, streams, userId } = this.#parts
    if (!presence.rests || sockets.size === 0 || streams() > 0) return false
    if (increment === undefined || !this.#isQuiet(room, increment)) return false
    if (showsActivity({ roomId: '', from: 0, to, increment }, userId)) return false
    if (!heads.leave({ room, to, increment, length })) return false
    this.#since ??= clock.now()
    this.#keep()
    return true
  }

  /** Something else is news: what was left goes along. The caller then serves those that wait, in this turn or the next. */
  takeAlong(): boolean {
    if (!this.#parts.heads.takeLeft()) return false
    this.#keep()
    return true
  }

  /** A poll begins. It takes along what was left if it is answered in any case, or if that has waited for long. */
  begins(isAnswered: () => boolean): void {
    if (this.#since === undefined) return
    const { presence, serveNext } = this.#parts
    const isDue = this.#waitedLong(this.#since)
    if (!isDue && presence.rests && !isAnswered()) return
    if (isDue) presence.takeAlong()
    if (this.takeAlong()) serveNext()
  }

  // ------------------------------------------------------------ inside

  #waitedLong(since: number): boolean {
    const { clock, userId } = this.#parts
    return clock.now() - since >= LEFT_ALONE_MS || takeFault(`sync:left-alone:${userId}`)
  }

  #keep(): void {
    const { heads, sockets } = this.#parts
    const places = heads.left
    if (places.length === 0) this.#since = undefined
    sockets.keepLeft(this.#since === undefined ? undefined : { places, since: this.#since })
  }

  /** Receipts and typing alone. That nobody types any more is news where a client may have been told of somebody. */
  #isQuiet(room: number, { events, devices, profiles, counts, typing }: Increment): boolean {
    if (events.length > 0 || devices !== undefined || profiles !== undefined || counts !== undefined)
      return false
    return typing === undefined || typing.length > 0 || this.#parts.heads.leftTyping(room)
  }
}
