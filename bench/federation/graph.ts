/** A room's events as the resident knows them: it builds on any of them, and answers what other servers ask of them. */
import { authEventKeys } from '../../src/protocol/auth/auth-events.ts'
import type { JsonObject } from '../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../src/protocol/events/event.ts'
import { type BuiltEvent, buildEvent } from '../../src/protocol/events/event-builder.ts'
import { eventIdOf } from '../../src/protocol/events/event-hash.ts'
import { type RoomVersionRules, roomVersion } from '../../src/protocol/rooms/room-version.ts'
import type { Asked, Resident } from './resident.ts'

export const VERSION = '11'
const RULES = roomVersion(VERSION) as RoomVersionRules

export interface Draft {
  type: string
  sender: string
  stateKey?: string
  content: JsonObject
}

/** The ids of a state, by type and key. */
export type State = Map<string, string>

const keyOf = (type: string, stateKey: string) => `${type} ${stateKey}`

export class Graph {
  readonly roomId: string
  readonly events = new Map<string, Pdu>()
  /** The state after what was added last. */
  state: State = new Map()
  /** What the next event follows on. */
  heads: string[] = []
  readonly #resident: Resident

  constructor(resident: Resident, roomId: string) {
    this.#resident = resident
    this.roomId = roomId
  }

  /** Takes an event that another server made, after all that is there. */
  learn(pdu: Pdu): string {
    const eventId = eventIdOf(pdu, RULES)
    this.#enter(eventId, pdu)
    return eventId
  }

  /** Takes the state that a server told, before the events that follow. */
  learnState(pdus: readonly Pdu[]): void {
    for (const pdu of pdus) this.learn(pdu)
  }

  /** Takes one that changes no state and that nothing here is to follow on. Answers its id. */
  learnAside(pdu: JsonObject): string {
    const eventId = eventIdOf(pdu as Pdu & JsonObject, RULES)
    this.events.set(eventId, pdu as Pdu & JsonObject)
    return eventId
  }

  add({ type, sender, stateKey, content }: Draft): BuiltEvent {
    const about = { type, sender, content, ...(stateKey !== undefined && { stateKey }) }
    const cited = authEventKeys(RULES, about).map(([of, key]) => this.state.get(keyOf(of, key)))
    const depths = this.heads.map((eventId) => this.events.get(eventId)?.depth ?? 0)
    const draft = {
      roomId: this.roomId,
      type,
      sender,
      ...(stateKey !== undefined && { stateKey }),
      content,
      originServerTs: Date.now(),
      depth: Math.max(0, ...depths) + 1,
      authEvents: cited.filter((eventId) => eventId !== undefined),
      prevEvents: this.heads,
    }
    const built = buildEvent(RULES, draft, this.#resident.name, this.#resident.key)
    this.#enter(built.eventId, built.pdu)
    return built
  }

  say(sender: string, body: string): BuiltEvent {
    return this.add({ type: 'm.room.message', sender, content: { msgtype: 'm.text', body } })
  }

  member(userId: string, content: JsonObject, sender = userId): BuiltEvent {
    return this.add({ type: 'm.room.member', sender, stateKey: userId, content })
  }

  /** Goes on from another place in the graph. */
  standOn(heads: string[], state: State): void {
    this.heads = heads
    this.state = new Map(state)
  }

  statePdus(): Pdu[] {
    return [...this.state.values()].map((eventId) => this.events.get(eventId)!)
  }

  /** An event of a local user of another server, for that server to sign. */
  template(userId: string): JsonObject {
    const content = { membership: 'join' }
    const about = { type: 'm.room.member', sender: userId, stateKey: userId, content }
    const cited = authEventKeys(RULES, about).map(([of, key]) => this.state.get(keyOf(of, key)))
    const event = {
      type: 'm.room.member',
      sender: userId,
      state_key: userId,
      room_id: this.roomId,
      content,
      auth_events: cited.filter((eventId) => eventId !== undefined),
      prev_events: this.heads,
      depth: this.events.size + 1,
      origin: this.#resident.name,
      origin_server_ts: Date.now(),
    }
    return { room_version: VERSION, event }
  }

  /** Answers get_missing_events, backfill, event, state and state_ids of this room. */
  serve(): void {
    const room = encodeURIComponent(this.roomId)
    const on = (method: string, name: string, answer: (asked: Asked) => object | undefined) =>
      this.#resident.on(method, `/_matrix/federation/v1/${name}/${room}`, (asked) => {
        const body = answer(asked)
        return body && JSON.stringify(body)
      })
    on('POST', 'get_missing_events', ({ body }) => {
      const known = new Set(body.earliest_events as string[])
      const from = (body.latest_events as string[]).flatMap((id) => this.events.get(id)?.prev_events ?? [])
      return { events: this.#behind(from, Number(body.limit ?? 10), known).reverse() }
    })
    on('GET', 'backfill', ({ query }) => {
      const pdus = this.#behind(query.getAll('v'), Math.min(100, Number(query.get('limit') ?? 100)))
      return { pdus, origin: this.#resident.name, origin_server_ts: Date.now() }
    })
    on('GET', 'state_ids', () => ({
      pdu_ids: [...this.state.values()],
      auth_chain_ids: [...this.state.values()],
    }))
    on('GET', 'state', () => ({ pdus: this.statePdus(), auth_chain: this.statePdus() }))
    this.#resident.on('GET', '/_matrix/federation/v1/event/', ({ path }) => {
      const pdu = this.events.get(path.split('/').at(-1) ?? '')
      if (pdu === undefined) return undefined
      return JSON.stringify({ pdus: [pdu], origin: this.#resident.name, origin_server_ts: Date.now() })
    })
  }

  /** These events and what they follow on, the newest first. */
  #behind(from: readonly string[], limit: number, known: ReadonlySet<string> = new Set()): JsonObject[] {
    const found = new Set<string>()
    const open = [...from]
    for (let eventId = open.shift(); eventId !== undefined && found.size < limit; eventId = open.shift()) {
      const pdu = this.events.get(eventId)
      if (pdu === undefined || found.has(eventId) || known.has(eventId)) continue
      found.add(eventId)
      open.push(...pdu.prev_events)
    }
    return [...found].map((eventId) => this.events.get(eventId) as Pdu & JsonObject)
  }

  #enter(eventId: string, pdu: Pdu): void {
    this.events.set(eventId, pdu)
    if (pdu.state_key !== undefined) this.state.set(keyOf(pdu.type, pdu.state_key), eventId)
    this.heads = [eventId]
  }
}
