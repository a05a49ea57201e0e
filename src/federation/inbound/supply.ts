/** Fetches what a Room needs to take events, within bounds: a branch without end ends here. */
import type { Need, ReceivedEvent, Supplied, SuppliedState } from '../../objects/room/federation.ts'
import type { FederationClient, KeyRing } from '../../ports/federation.ts'
import type { RoomVersionRules } from '../../protocol/rooms/room-version.ts'
import { ServerFailure } from '../server-failure.ts'
import { type AskedServer, missingEvents, singleEvent, stateIds } from './ask-server.ts'
import { checkEvents } from './check-events.ts'

/** For all that one transaction lacks in a room. */
const MOST_MISSING_REQUESTS = 10
const MOST_MISSING_EVENTS = 500
const MOST_STATES = 10
const MOST_SINGLE_EVENTS = 500
/** Single events of one call of the Room. */
const SINGLE_AT_A_TIME = 50
/** Requests at the same time: three rooms share the six of an invocation. */
const AT_ONCE = 2
const NOT_FOUND = 404

export interface Suppliers {
  client: FederationClient
  keyRing: KeyRing
  rules: RoomVersionRules
  roomId: string
  /** Who may be asked, the one that sent the events first. */
  serverNames: readonly string[]
  /** The events are history: what came before them is asked for when a reader comes to it. */
  isHistory: boolean
}

export class Supply {
  readonly #parts: Suppliers
  readonly #states = new Map<string, SuppliedState>()
  readonly #asked = new Set<string>()
  readonly #unavailable = new Set<string>()
  /** Events that came as missing ones. */
  readonly #given = new Set<string>()
  #statesFound = 0
  #missingRequests = 0
  #missingEvents = 0
  #singleEvents = 0

  constructor(parts: Suppliers) {
    this.#parts = parts
  }

  /** What there is of the needs; undefined: nothing more is to be had now. */
  async fetch(needs: readonly Need[]): Promise<Supplied | undefined> {
    const events: ReceivedEvent[] = []
    const before = this.#known
    for (const need of needs) {
      if (need.kind === 'missing') events.push(...(await this.#missing(need)))
      else if (need.kind === 'state') await this.#state(need.eventId)
      else {
        const found = await this.#single(need.eventIds)
        events.push(...found.events)
        for (const eventId of found.unavailable) this.#unavailable.add(eventId)
      }
    }
    return events.length > 0 || this.#known > before ? { ...this.again(), events } : undefined
  }

  /** What a Room is given with every call. */
  again(): Supplied {
    return {
      states: [...this.#states.values()],
      asked: [...this.#asked],
      unavailable: [...this.#unavailable],
    }
  }

  /** Such events are taken: the state before them is of no more use. */
  settle(eventIds: Iterable<string>): void {
    for (const eventId of eventIds) this.#states.delete(eventId)
  }

  /** How much was found out, beside events. It only grows. */
  get #known(): number {
    return this.#statesFound + this.#asked.size + this.#unavailable.size
  }

  async #missing(need: Need & { kind: 'missing' }): Promise<ReceivedEvent[]> {
    const isOver =
      this.#parts.isHistory ||
      this.#missingRequests >= MOST_MISSING_REQUESTS ||
      this.#missingEvents >= MOST_MISSING_EVENTS
    this.#missingRequests += 1
    const texts = isOver ? undefined : await this.#fromAny((server) => missingEvents(server, need))
    const good = texts === undefined ? [] : await this.#checked(texts)
    const fresh = good.filter(({ eventId }) => !this.#given.has(eventId))
    for (const { eventId } of fresh) this.#given.add(eventId)
    this.#missingEvents += fresh.length
    // What nobody gives is looked for by the state, and what is given again and again leads nowhere.
    if (fresh.length === 0) for (const eventId of need.latest) this.#asked.add(eventId)
    return fresh
  }

  async #state(eventId: string): Promise<void> {
    if (this.#states.has(eventId) || this.#statesFound >= MOST_STATES) return
    const found = await this.#fromAny((server) => stateIds(server, eventId))
    if (found === undefined) return
    this.#statesFound += 1
    this.#states.set(eventId, { eventId, ...found })
  }

  async #single(eventIds: readonly string[]): Promise<{ events: ReceivedEvent[]; unavailable: string[] }> {
    const left = Math.min(SINGLE_AT_A_TIME, MOST_SINGLE_EVENTS - this.#singleEvents)
    const wanted = eventIds.slice(0, Math.max(0, left))
    this.#singleEvents += wanted.length
    const texts: string[] = []
    const unavailable: string[] = []
    const queue = wanted.values()
    const asking = Array.from({ length: AT_ONCE }, async () => {
      for (const eventId of queue) {
        let isGone = false
        const text = await this.#fromAny(
          (server) => singleEvent(server, eventId),
          () => {
            isGone = true
          },
        )
        if (text !== undefined) texts.push(text)
        else if (isGone) unavailable.push(eventId)
      }
    })
    await Promise.all(asking)
    const events = await this.#checked(texts)
    const had = new Set(events.map(({ eventId }) => eventId))
    // What a server gives under another's name is not that event.
    const wrong = texts.length > events.length ? wanted.filter((id) => !had.has(id)) : []
    return { events, unavailable: [...new Set([...unavailable, ...wrong])] }
  }

  async #checked(texts: readonly string[]): Promise<ReceivedEvent[]> {
    const { keyRing, rules } = this.#parts
    return (await checkEvents(texts, rules, { keyRing, atOnce: AT_ONCE })).good
  }

  /** Asks one server after the other. @param gone told if one says that there is no such thing */
  async #fromAny<T>(
    ask: (server: AskedServer) => Promise<T | undefined>,
    gone: () => void = () => undefined,
  ): Promise<T | undefined> {
    const { client, roomId, serverNames } = this.#parts
    for (const serverName of serverNames) {
      try {
        const found = await ask({ client, roomId, serverName })
        if (found !== undefined) return found
      } catch (error) {
        if (!(error instanceof ServerFailure)) throw error
        if (error.status === NOT_FOUND) gone()
      }
    }
    return undefined
  }
}
