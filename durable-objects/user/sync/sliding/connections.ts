/** The connections of sliding sync: which there are, and what the client of each was told of. */
import type { SlidingRequest } from '../../../../src/objects/user/sliding.ts'
import type { Random } from '../../../../src/ports/system.ts'
import type { StoredHeads } from '../head-store.ts'
import type { Heads } from '../heads/heads.ts'
import type { Poll } from '../sockets.ts'
import { parseSyncToken, placeOfPos } from '../sync-token.ts'
import { formatSent, parseSent, type Sent } from './sent-rooms.ts'
import { askedOf, type ConnectionRow, givenTo, holdersOf, type SlidingStore } from './store.ts'
import { unknownPos } from './unknown-pos.ts'

export interface ConnectionsParts {
  store: SlidingStore
  random: Pick<Random, 'token'>
  transaction: <T>(work: () => T) => T
  heads: Heads
  /** The newest position of the user's own log. */
  own: () => number
  epochs: Pick<StoredHeads, 'named' | 'unnamed'>
}

/** Long enough that nobody has a token of a connection that is not theirs. */
const NAME_LENGTH = 10
/** States of connections in memory. */
const KEPT = 8

export class Connections {
  readonly #parts: ConnectionsParts
  readonly #known = new Map<string, Sent>()

  constructor(parts: ConnectionsParts) {
    this.#parts = parts
  }

  /**
   * A request comes by a connection, or begins one.
   * @param asked what is remembered of it, as JSON
   * @returns the connection's random name
   * @throws MatrixError M_UNKNOWN_POS for a `pos` that is not this connection's
   */
  ask({ session, conn, pos }: SlidingRequest, asked: string): string {
    if (pos === undefined) return this.#begin(session.deviceId, conn, asked)
    const { epochs, heads, own, store, transaction } = this.#parts
    const row = store.find(session.deviceId, conn)
    if (row === undefined || placeOfPos(pos)?.name !== row.name || this.sentBy(pos) === undefined)
      throw unknownPos()
    const token = parseSyncToken(pos)
    if (!heads.epochs.lives(token) || token.own > own()) throw unknownPos()
    if (row.asked !== asked) transaction(() => store.ask(row, asked))
    epochs.named(askedOf(row.name), token.epoch)
    return row.name
  }

  /** The connection of a poll that waits; undefined: it is gone. */
  find({ session, sliding }: Poll): ConnectionRow | undefined {
    return this.#parts.store.find(session.deviceId, sliding?.conn ?? '')
  }

  #begin(deviceId: string, connId: string, asked: string): string {
    const { epochs, random, store, transaction } = this.#parts
    const name = random.token(NAME_LENGTH)
    transaction(() => {
      const ended = store.begin({ device_id: deviceId, conn_id: connId, name, asked })
      epochs.unnamed(ended.flatMap(holdersOf))
    })
    this.#known.clear()
    return name
  }

  /** What the client of a `pos` was told of; undefined where that is not known any more. */
  sentBy(pos: string): Sent | undefined {
    const place = placeOfPos(pos)
    if (place === undefined) return undefined
    const key = `${place.name}.${place.generation}`
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const stored = this.#parts.store.readState(place.name, place.generation)
    return stored === undefined ? undefined : this.#keep(key, parseSent(stored))
  }

  /** Stores what a client has after an answer, where that has changed. Answers the generation that its token names. */
  write(
    name: string,
    { generation, sent, after }: { generation: number | undefined; sent: Sent; after: Sent },
  ): number {
    if (generation !== undefined && sent === after) return generation
    const { store, transaction } = this.#parts
    const next = transaction(() => store.writeState(name, generation ?? 0, formatSent(after)))
    this.#keep(`${name}.${next}`, after)
    return next
  }

  /** A token of an epoch was given: the epoch is kept until the client comes back. */
  given(name: string, epoch: number): void {
    this.#parts.epochs.named(givenTo(name), epoch)
  }

  /** Connections may be gone, with their devices. */
  forget(): void {
    this.#known.clear()
  }

  #keep(key: string, sent: Sent): Sent {
    this.#known.delete(key)
    this.#known.set(key, sent)
    if (this.#known.size > KEPT) this.#known.delete(this.#known.keys().next().value as string)
    return sent
  }
}
