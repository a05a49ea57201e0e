/** Fetches what a Room needs to take events, within bounds: a branch without end ends here. */
import type { Need, ReceivedEvent, Supplied, SuppliedState } from '../../objects/room/federation.ts'
import type { FederationClient, KeyRing } from '../../ports/federation.ts'
import type { Metrics } from '../../ports/metrics.ts'
import { isEventId } from '../../protocol/identifiers.ts'
import type { RoomVersionRules } from '../../protocol/rooms/room-version.ts'
import { ServerFailure } from '../server-failure.ts'
import { type AskedServer, missingEvents, singleEvent, stateIds } from './ask-server.ts'
import type { CallBudget } from './call-budget.ts'
import { checkEvents, idOf } from './check-events.ts'

/** For all that one transaction lacks in a room. */
const MOST_MISSING_REQUESTS = 10
const MOST_MISSING_EVENTS = 500
const MOST_STATES = 10
const MOST_SINGLE_EVENTS = 500
/** Ids of the states that are held for the Room: each of its calls is given them. */
const MOST_HELD_IDS = 100_000
/** Single events of one call of the Room. */
const SINGLE_AT_A_TIME = 50
/** Requests at the same time: three rooms share the six of an invocation. */
const AT_ONCE = 2
const NOT_FOUND = 404

export interface Suppliers {
  client: FederationClient
  keyRing: KeyRing
  metrics: Metrics
  rules: RoomVersionRules
  roomId: string
  /** Who may be asked, the one that sent the events first. */
  serverNames: readonly string[]
  now: () => number
  /** Is shared by all that one invocation fetches. */
  budget: CallBudget
  /** When to stop, ms: a server that takes its time must not make others wait. */
  until: number
  /** The events are history: what came before them is asked for when a reader comes to it. */
  isHistory: boolean
}

export class Supply {
  readonly #parts: Suppliers
  readonly #states = new Map<string, SuppliedState>()
  /** Servers that gave no answer. */
  readonly #away = new Set<string>()
  /** Events for whose states there was no room: a later transaction may have it. */
  readonly #unheld = new Set<string>()
  /** The states' events, by the server that told them. */
  readonly #told = new Map<string, Set<string>>()
  readonly #asked = new Set<string>()
  readonly #unavailable = new Set<string>()
  /** Events that came as missing ones. */
  readonly #given = new Set<string>()
  #statesFound = 0
  #missingRequests = 0
  #missingEvents = 0
  #singleEvents = 0
  #isCutShort = false

  constructor(parts: Suppliers) {
    this.#parts = parts
  }

  /** What there is of the needs; undefined: nothing more is to be had now. */
  async fetch(needs: readonly Need[]): Promise<Supplied | undefined> {
    const events: ReceivedEvent[] = []
    const before = this.#known
    for (const need of needs) {
      if (this.#msLeft <= 0) break
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

  get #msLeft(): number {
    return this.#parts.until - this.#parts.now()
  }

  /** What a Room is given with every call. */
  again(): Supplied {
    return {
      states: [...this.#states.values()],
      asked: [...this.#asked],
      unavailable: [...this.#unavailable],
    }
  }

  get #heldIds(): number {
    return [...this.#states.values()].reduce((sum, state) => sum + sizeOf(state), 0)
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
      this.#missingRequests >= MOST_MISSING_REQUESTS || this.#missingEvents >= MOST_MISSING_EVENTS
    if (isOver) this.#cutShort()
    this.#missingRequests += 1
    const texts =
      isOver || this.#parts.isHistory
        ? undefined
        : await this.#fromAny((server) => missingEvents(server, need))
    const good = texts === undefined ? [] : await this.#checked(texts)
    const fresh = good.filter(({ eventId }) => !this.#given.has(eventId))
    for (const { eventId } of fresh) this.#given.add(eventId)
    this.#missingEvents += fresh.length
    // If nobody has anything new, the state is asked for. Events that were given before do not count.
    if (fresh.length === 0 && this.#msLeft > 0) for (const eventId of need.latest) this.#asked.add(eventId)
    return fresh
  }

  async #state(eventId: string): Promise<void> {
    if (this.#states.has(eventId) || this.#unheld.has(eventId)) return
    if (this.#statesFound >= MOST_STATES) {
      this.#cutShort()
      return
    }
    const found = await this.#fromAny(async (server) => {
      const ids = await stateIds(server, eventId)
      if (ids === 'too large') this.#countBound('states')
      return ids === 'too large' ? undefined : { ...ids, teller: server.serverName }
    })
    if (found === undefined) return
    const { teller, ...state } = found
    if (this.#heldIds + sizeOf(state) > MOST_HELD_IDS) {
      this.#countBound('states')
      this.#unheld.add(eventId)
      return
    }
    this.#statesFound += 1
    this.#states.set(eventId, { eventId, ...state })
    const told = this.#told.get(teller) ?? new Set()
    for (const id of state.pduIds) told.add(id)
    this.#told.set(teller, told)
  }

  async #single(eventIds: readonly string[]): Promise<{ events: ReceivedEvent[]; unavailable: string[] }> {
    const left = Math.min(SINGLE_AT_A_TIME, MOST_SINGLE_EVENTS - this.#singleEvents)
    const wanted = eventIds.slice(0, Math.max(0, left))
    if (wanted.length === 0) this.#cutShort()
    this.#singleEvents += wanted.length
    const given = new Map<string, string>()
    const unavailable: string[] = []
    const queue = wanted.values()
    const asking = Array.from({ length: AT_ONCE }, async () => {
      for (const eventId of queue) {
        if (this.#msLeft <= 0) return
        const found = await this.#event(eventId)
        if (found === 'gone') unavailable.push(eventId)
        else if (found !== 'unknown') given.set(eventId, found.text)
      }
    })
    await Promise.all(asking)
    const events = await this.#checked([...given.values()])
    const had = new Set(events.map(({ eventId }) => eventId))
    // An event without a valid signature counts as not given.
    const wrong = [...given.keys()].filter((eventId) => !had.has(eventId))
    return { events, unavailable: [...unavailable, ...wrong] }
  }

  /**
   * `gone`: the server that told the state with it has no such event, or nobody has. A server that does not answer may
   * have it, and a state without it would be another one.
   */
  async #event(eventId: string): Promise<{ text: string } | 'gone' | 'unknown'> {
    const { rules, serverNames } = this.#parts
    // An event may name any text as another one's id.
    if (!isEventId(eventId)) return 'gone'
    let without = 0
    for (const serverName of serverNames) {
      if (this.#away.has(serverName)) continue
      const server = this.#server(serverName)
      if (server === undefined) return 'unknown'
      try {
        const text = await singleEvent(server, eventId)
        if (text !== undefined && idOf(text, rules) === eventId) return { text }
      } catch (error) {
        if (!(error instanceof ServerFailure)) throw error
        this.#noteFailure(serverName, error)
        if (error.status !== NOT_FOUND) continue
      }
      without += 1
      if (this.#told.get(serverName)?.has(eventId) === true) return 'gone'
    }
    return without === serverNames.length ? 'gone' : 'unknown'
  }

  /** One that gave no answer would take the time of the others again. */
  #noteFailure(serverName: string, { kind }: ServerFailure): void {
    if (kind === 'unreachable') this.#away.add(serverName)
  }

  /** Counted once, however much is left. */
  #cutShort(): void {
    if (!this.#isCutShort) this.#countBound('fetches')
    this.#isCutShort = true
  }

  #countBound(bound: string): void {
    this.#parts.metrics.count('federation_bounds_total', { bound })
  }

  async #checked(texts: readonly string[]): Promise<ReceivedEvent[]> {
    const { keyRing, rules } = this.#parts
    return (await checkEvents(texts, rules, { keyRing, atOnce: AT_ONCE })).good
  }

  /** A server to be asked in what is left of the time; undefined: no more requests may be made. */
  #server(serverName: string): AskedServer | undefined {
    const { budget, client, roomId } = this.#parts
    const withinMs = this.#msLeft
    if (withinMs > 0 && budget.take()) return { client, roomId, serverName, withinMs }
    this.#cutShort()
    return undefined
  }

  /** Asks one server after the other. */
  async #fromAny<T>(ask: (server: AskedServer) => Promise<T | undefined>): Promise<T | undefined> {
    for (const serverName of this.#parts.serverNames) {
      if (this.#away.has(serverName)) continue
      const server = this.#server(serverName)
      if (server === undefined) return undefined
      try {
        const found = await ask(server)
        if (found !== undefined) return found
      } catch (error) {
        if (!(error instanceof ServerFailure)) throw error
        this.#noteFailure(serverName, error)
      }
    }
    return undefined
  }
}

function sizeOf({ pduIds, authChainIds }: Pick<SuppliedState, 'pduIds' | 'authChainIds'>): number {
  return pduIds.length + authChainIds.length
}
