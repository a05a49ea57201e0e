/** Tells other servers' Destinations that the room has something for them. They fetch it themselves. */
import type { DestinationMark } from '../../../src/objects/destination/peer.ts'
import { slicesOf } from '../../../src/slices.ts'
import { readMeta, writeMeta } from '../../sqlite.ts'
import type { Changed } from '../context.ts'
import { newestPosition } from '../rows/events/events.ts'
import { hasOwnEvents } from '../rows/federation/outgoing.ts'
import { hasServers, type ServerPart, serversAfter } from '../rows/federation/servers.ts'
import type { RoomStore } from '../rows/store.ts'

/** Destinations that are told from here; more go in slices through stateless Workers. */
const FEW = 10
const SLICE = 100
/** A room in many servers joins what is said within so long, ms. */
const PAUSE_MS = 1_000
/** Positions without anything to tell, after which the cursor is written all the same. */
const LONGEST_UNWRITTEN = 1_000

export interface DestinationsParts {
  store: RoomStore
  serverName: string
  mark: (serverName: string, mark: DestinationMark) => Promise<void>
  /** In one call; throws unless all have taken their mark. */
  markMany: (marks: readonly { serverName: string; mark: DestinationMark }[]) => Promise<void>
  now: () => number
}

const CURSOR = 'marked'

export class DestinationTeller {
  readonly #parts: DestinationsParts
  #hasServers = false
  /** Up to where there is nothing to tell, or all are told. */
  #done: number | undefined
  #toldAt = Number.NEGATIVE_INFINITY

  constructor(parts: DestinationsParts) {
    this.#parts = parts
  }

  /** Whether a commit may concern other servers. A room without any never asks its tables but for its members. */
  follows({ appended, moved }: Pick<Changed, 'appended' | 'moved'>): boolean {
    const mayBring = moved || appended.some(({ event }) => event.type === 'm.room.member')
    if (!this.#hasServers && mayBring) this.#look()
    return this.#hasServers && appended.length > 0
  }

  /** The tables were made again. */
  reset(): void {
    this.#hasServers = false
    this.#done = undefined
  }

  isLeft(): boolean {
    return this.#look() && this.#from < this.#head
  }

  /** Answers when to go on. @throws when a Destination did not take its mark: all are told again */
  async run(): Promise<number | undefined> {
    if (!this.#look()) return undefined
    const { store, serverName, now } = this.#parts
    const [after, upTo] = [this.#from, this.#head]
    if (after >= upTo) return undefined
    if (hasOwnEvents(store.sql, { serverName, after, upTo })) {
      const servers = serversAfter(store.sql, after)
      const pause = servers.length > FEW ? this.#toldAt + PAUSE_MS - now() : 0
      if (pause > 0) return now() + pause
      this.#toldAt = now()
      await this.#tell(servers, upTo)
      this.#move(upTo)
    } else if (upTo - after > LONGEST_UNWRITTEN) this.#move(upTo)
    this.#done = upTo
    return this.#from < this.#head ? now() : undefined
  }

  async #tell(servers: readonly ServerPart[], upTo: number): Promise<void> {
    const { store, mark, markMany } = this.#parts
    const marks = servers.map(({ name, from, to }) => ({
      serverName: name,
      mark: { roomId: store.roomId, from, upTo: Math.min(upTo, to ?? upTo) },
    }))
    if (marks.length <= FEW) {
      await Promise.all(marks.map((one) => mark(one.serverName, one.mark)))
      return
    }
    for (const slice of slicesOf(marks, SLICE)) await markMany(slice)
  }

  #move(upTo: number): void {
    const { store } = this.#parts
    // No mutation of the room: a consumer that moves its own cursor gives no other one work.
    store.transaction(() => writeMeta(store.sql, CURSOR, upTo))
  }

  #look(): boolean {
    this.#hasServers ||= hasServers(this.#parts.store.sql)
    return this.#hasServers
  }

  get #from(): number {
    this.#done ??= readMeta<number>(this.#parts.store.sql, CURSOR) ?? 0
    return this.#done
  }

  get #head(): number {
    return newestPosition(this.#parts.store.sql) ?? 0
  }
}
