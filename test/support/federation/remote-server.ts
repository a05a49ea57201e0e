/** Another server in a room, with a key of its own: it knows the room's events and adds what it likes to their graph. */

import type { ReceivedEvent } from '../../../src/objects/room/federation.ts'
import { authEventKeys } from '../../../src/protocol/auth/auth-events.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { buildEvent } from '../../../src/protocol/events/event-builder.ts'
import { signingKey } from '../../../src/protocol/events/signing.ts'
import type { RoomVersionRules } from '../../../src/protocol/rooms/room-version.ts'
import { ChainCover } from '../../../src/protocol/state-resolution/chain-cover.ts'
import type { ResolutionSource, StateEvent } from '../../../src/protocol/state-resolution/source.ts'
import { rulesOf } from '../auth-room.ts'
import { keyOf, resolved, type StateIds } from '../resolution/dag.ts'

const KEY = signingKey('ed25519:away', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')

export interface Draft {
  type: string
  sender: string
  state_key?: string
  content?: JsonObject
  prev_events?: string[]
  auth_events?: string[]
  origin_server_ts?: number
  room_id?: string
  redacts?: string
}

export class RemoteServer implements ResolutionSource {
  readonly serverName = 'away.example'
  readonly rules: RoomVersionRules
  readonly publicKey = KEY.publicKey
  /** From version 12 on the create event makes it. */
  roomId: string
  readonly chains = new ChainCover()
  readonly #events = new Map<string, ReceivedEvent & StateEvent>()
  readonly #after = new Map<string, StateIds>()
  /** The events that nothing follows, as far as this server knows. */
  #heads = new Set<string>()
  #ts = 1_700_000_000_000

  constructor(version: string, roomId: string) {
    this.rules = rulesOf(version)
    this.roomId = roomId
  }

  get heads(): string[] {
    return [...this.#heads]
  }

  event(eventId: string): (ReceivedEvent & StateEvent) | undefined {
    return this.#events.get(eventId)
  }

  /** Takes what the other server has, each event after those that it follows. */
  learn(rows: readonly Record<string, unknown>[]): void {
    for (const { event_id, pdu } of rows) {
      const json = String(pdu).trimEnd()
      if (!this.#events.has(String(event_id))) this.#take(String(event_id), JSON.parse(json) as Pdu, json)
    }
  }

  /** The state after an event. */
  after(eventId: string): StateIds {
    return this.#after.get(eventId) ?? new Map()
  }

  stateAfter(eventIds: readonly string[]): StateIds {
    return resolved(
      this.rules,
      eventIds.map((eventId) => this.after(eventId)),
      this,
    )
  }

  /** Makes an event, on all that this server knows unless told, and whether or not the rules allow it. */
  send(draft: Draft): ReceivedEvent {
    const prevEvents = draft.prev_events ?? this.heads
    const state = this.stateAfter(prevEvents.filter((eventId) => this.#events.has(eventId)))
    const { type, sender, state_key: stateKey, content = {} } = draft
    const cited = authEventKeys(this.rules, { type, sender, stateKey, content })
      .map(([t, k]) => state.get(keyOf(t, k)))
      .filter((eventId) => eventId !== undefined)
    const depths = prevEvents.map((eventId) => this.#events.get(eventId)?.pdu.depth ?? 0)
    const makesRoomId = this.rules.roomIdIsCreateHash && type === 'm.room.create'
    const { eventId, pdu, json } = buildEvent(
      this.rules,
      {
        ...(makesRoomId ? {} : { roomId: draft.room_id ?? this.roomId }),
        type,
        sender,
        stateKey,
        content,
        redacts: draft.redacts,
        originServerTs: draft.origin_server_ts ?? ++this.#ts,
        depth: Math.max(0, ...depths) + 1,
        authEvents: draft.auth_events ?? cited,
        prevEvents,
      },
      this.serverName,
      KEY,
    )
    if (makesRoomId) this.roomId = `!${eventId.slice(1)}`
    this.#take(eventId, pdu, json)
    return { eventId, json, isRedacted: false }
  }

  state(sender: string, type: string, content: JsonObject, more: Partial<Draft> = {}): ReceivedEvent {
    return this.send({ type, sender, state_key: '', content, ...more })
  }

  member(sender: string, target: string, membership: string, more: Partial<Draft> = {}): ReceivedEvent {
    return this.send({ type: 'm.room.member', sender, state_key: target, content: { membership }, ...more })
  }

  say(sender: string, body: string, more: Partial<Draft> = {}): ReceivedEvent {
    return this.send({ type: 'm.room.message', sender, content: { msgtype: 'm.text', body }, ...more })
  }

  /** From now on it goes on from these events, as if it had not heard of the others. */
  standOn(eventIds: readonly string[]): void {
    this.#heads = new Set(eventIds)
  }

  #take(eventId: string, pdu: Pdu, json: string): void {
    const before = this.stateAfter(pdu.prev_events.filter((prev) => this.#events.has(prev)))
    this.#events.set(eventId, { eventId, pdu, json, isRedacted: false })
    if (pdu.state_key === undefined) this.#after.set(eventId, before)
    else {
      this.chains.add(eventId, pdu.auth_events)
      this.#after.set(eventId, new Map(before).set(keyOf(pdu.type, pdu.state_key), eventId))
    }
    for (const prev of pdu.prev_events) this.#heads.delete(prev)
    this.#heads.add(eventId)
  }
}
