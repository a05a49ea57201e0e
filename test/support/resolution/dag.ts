/** A room as a graph of events with the state after each: forks as one likes, each event checked as a server would. */
import { authEventKeys } from '../../../src/protocol/auth/auth-events.ts'
import { checkEventAuth } from '../../../src/protocol/auth/event-auth.ts'
import { isThirdPartyInviteSigned } from '../../../src/protocol/auth/third-party-signature.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { Pdu, StateMap } from '../../../src/protocol/events/event.ts'
import { eventIdOf } from '../../../src/protocol/events/event-hash.ts'
import { objectField, stringField } from '../../../src/protocol/json-fields.ts'
import type { RoomVersionRules } from '../../../src/protocol/rooms/room-version.ts'
import { ChainCover } from '../../../src/protocol/state-resolution/chain-cover.ts'
import type { StateSide } from '../../../src/protocol/state-resolution/conflict.ts'
import { resolveState } from '../../../src/protocol/state-resolution/resolve.ts'
import type { ResolutionSource, StateEvent } from '../../../src/protocol/state-resolution/source.ts'
import { rulesOf, verdictOf } from '../auth-room.ts'

/** Event ids by what `keyOf` makes of type and state key. */
export type StateIds = ReadonlyMap<string, string>

export const keyOf = (type: string, stateKey: string) => JSON.stringify([type, stateKey])

function pairOf(key: string): { type: string; stateKey: string } {
  const [type, stateKey] = JSON.parse(key) as [string, string]
  return { type, stateKey }
}

/** The states as resolution takes them, with every key as one that may differ. */
export function sidesOf(states: readonly StateIds[]): StateSide[] {
  return states.map((state) => ({
    get: (type, stateKey) => state.get(keyOf(type, stateKey)),
    changed: [...state.keys()].map(pairOf),
  }))
}

/** The whole state that a resolution leads to. */
export function resolved(
  rules: RoomVersionRules,
  states: readonly StateIds[],
  source: ResolutionSource,
): StateIds {
  const state = new Map(states[0])
  for (const { type, stateKey, eventId } of resolveState(rules, sidesOf(states), source)) {
    if (eventId === undefined) state.delete(keyOf(type, stateKey))
    else state.set(keyOf(type, stateKey), eventId)
  }
  return state
}

export interface Sent {
  type: string
  sender: string
  state_key?: string
  content?: JsonObject
  origin_server_ts?: number
  /** The events that it follows; the last one sent unless told. */
  prev_events?: string[]
  /** Chosen by the state before unless told. */
  auth_events?: string[]
  /** An id of the test's own; else the hash. */
  id?: string
}

export const FIRST_TS = 1_000_000

export class Dag implements ResolutionSource {
  readonly rules: RoomVersionRules
  readonly chains = new ChainCover()
  readonly events = new Map<string, StateEvent>()
  readonly roomId: string
  readonly createId: string
  last: string
  readonly #after = new Map<string, StateIds>()
  #ts = FIRST_TS

  constructor(version: string, creator: string, content: JsonObject = {}) {
    this.rules = rulesOf(version)
    const named = this.rules.roomIdIsCreateHash
      ? undefined
      : `!room:${creator.slice(creator.indexOf(':') + 1)}`
    const pdu = blank({
      type: 'm.room.create',
      sender: creator,
      state_key: '',
      content: { room_version: version, ...(this.rules.createHasCreator ? { creator } : {}), ...content },
      origin_server_ts: this.#ts,
      depth: 1,
    })
    if (named !== undefined) pdu.room_id = named
    this.createId = eventIdOf(pdu, this.rules)
    this.roomId = named ?? `!${this.createId.slice(1)}`
    this.last = this.createId
    this.#enter({ eventId: this.createId, pdu }, new Map())
  }

  event(eventId: string): StateEvent | undefined {
    return this.events.get(eventId)
  }

  /** The state after an event. */
  after(eventId: string): StateIds {
    const state = this.#after.get(eventId)
    if (state === undefined) throw new Error(`there is no ${eventId}`)
    return state
  }

  /** The state after all of the events: that of a server that has them and nothing that follows. */
  afterAll(eventIds: readonly string[]): StateIds {
    return resolved(
      this.rules,
      eventIds.map((eventId) => this.after(eventId)),
      this,
    )
  }

  stateMap(state: StateIds): StateMap {
    return {
      get: (type, stateKey) => {
        const eventId = state.get(keyOf(type, stateKey))
        return eventId === undefined ? undefined : this.events.get(eventId)
      },
    }
  }

  /** The event as it would be sent, and what the authorisation rules say to it. */
  offer(sent: Sent): { event: StateEvent; verdict: string; before: StateIds } {
    const prevEvents = sent.prev_events ?? [this.last]
    const before = this.afterAll(prevEvents)
    const content = sent.content ?? {}
    const subject = { type: sent.type, stateKey: sent.state_key, sender: sent.sender, content }
    const cited = authEventKeys(this.rules, subject).map(([type, key]) => before.get(keyOf(type, key)))
    const pdu = blank({
      type: sent.type,
      sender: sent.sender,
      content,
      origin_server_ts: sent.origin_server_ts ?? ++this.#ts,
      depth: 1 + Math.max(...prevEvents.map((eventId) => this.events.get(eventId)?.pdu.depth ?? 0)),
      prev_events: prevEvents,
      auth_events: sent.auth_events ?? cited.filter((eventId) => eventId !== undefined),
    })
    pdu.room_id = this.roomId
    if (sent.state_key !== undefined) pdu.state_key = sent.state_key
    const verdicts = [this.#verdict(pdu, this.#citedState(pdu)), this.#verdict(pdu, this.stateMap(before))]
    const verdict = verdicts.find((one) => one !== 'allowed') ?? 'allowed'
    return { event: { eventId: sent.id ?? eventIdOf(pdu, this.rules), pdu }, verdict, before }
  }

  /** Sends an event that the rules allow. */
  send(sent: Sent): string {
    const { event, verdict, before } = this.offer(sent)
    if (verdict !== 'allowed') throw new Error(`${sent.type} of ${sent.sender}: ${verdict}`)
    return this.#enter(event, before)
  }

  /** Stores an event that the rules refuse. */
  reject(sent: Sent): string {
    const { event, verdict, before } = this.offer(sent)
    if (verdict === 'allowed') throw new Error(`${sent.type} of ${sent.sender} is allowed`)
    return this.#enter({ ...event, rejected: true }, before)
  }

  /** A member event. */
  member(sender: string, target: string, membership: string, more: Partial<Sent> = {}): string {
    return this.send({ type: 'm.room.member', sender, state_key: target, content: { membership }, ...more })
  }

  /** A state event with the empty state key. */
  state(sender: string, type: string, content: JsonObject, more: Partial<Sent> = {}): string {
    return this.send({ type, sender, state_key: '', content, ...more })
  }

  #verdict(pdu: Pdu, state: StateMap): string {
    const signed = objectField(objectField(pdu.content.third_party_invite)?.signed)
    const offered = state.get('m.room.third_party_invite', stringField(signed?.token) ?? '')
    const thirdPartyInviteVerified =
      signed !== undefined && offered !== undefined && isThirdPartyInviteSigned(signed, offered.pdu.content)
    return verdictOf(() => checkEventAuth(this.rules, pdu, state, { thirdPartyInviteVerified }))
  }

  #citedState(pdu: Pdu): StateMap {
    const state = new Map([[keyOf('m.room.create', ''), this.createId]])
    for (const eventId of pdu.auth_events) {
      const cited = this.events.get(eventId)
      if (cited !== undefined) state.set(keyOf(cited.pdu.type, cited.pdu.state_key ?? ''), eventId)
    }
    return this.stateMap(state)
  }

  #enter(event: StateEvent, before: StateIds): string {
    const { eventId, pdu } = event
    this.events.set(eventId, event)
    if (pdu.state_key !== undefined) this.chains.add(eventId, pdu.auth_events)
    if (pdu.state_key === undefined || event.rejected === true) this.#after.set(eventId, before)
    else this.#after.set(eventId, new Map(before).set(keyOf(pdu.type, pdu.state_key), eventId))
    this.last = eventId
    return eventId
  }
}

function blank(
  fields: Partial<Pdu> & Pick<Pdu, 'type' | 'sender' | 'content' | 'origin_server_ts' | 'depth'>,
): Pdu {
  return { auth_events: [], prev_events: [], hashes: { sha256: '' }, signatures: {}, ...fields }
}
