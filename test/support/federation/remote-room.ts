/** A room of a remote: its events are real and signed, and the remote lets users of the server under test in. */
import { authEventKeys } from '../../../src/protocol/auth/auth-events.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { type BuiltEvent, buildEvent, type EventDraft } from '../../../src/protocol/events/event-builder.ts'
import { eventIdOf } from '../../../src/protocol/events/event-hash.ts'
import { signedAlso } from '../../../src/protocol/federation/more-signatures.ts'
import type { RoomVersionRules } from '../../../src/protocol/rooms/room-version.ts'
import { rulesOf } from '../auth-room.ts'
import type { Answer, Api, Body } from '../client.ts'
import type { Received, Remote, Reply, SignedAs } from './remote.ts'

export interface Sent {
  type: string
  sender?: string
  state_key?: string
  content?: JsonObject
}

export const invitePath = (roomId: string, eventId: string, version = 'v2') =>
  `/_matrix/federation/${version}/invite/${encodeURIComponent(roomId)}/${encodeURIComponent(eventId)}`

let rooms = 0

export class RemoteRoom {
  readonly remote: Remote
  readonly rules: RoomVersionRules
  readonly roomId: string
  readonly creator: string
  readonly events = new Map<string, BuiltEvent>()
  /** Event ids of the current state, by type and state key. */
  readonly state = new Map<string, string>()
  /** What users of the server under test have handed over, by membership. */
  readonly taken: Pdu[] = []
  #last: BuiltEvent | undefined
  #ts = Date.now() - 60_000

  constructor(remote: Remote, version: string, { joinRule = 'public' }: { joinRule?: string } = {}) {
    this.remote = remote
    this.rules = rulesOf(version)
    rooms += 1
    this.creator = `@rita:${remote.name}`
    const named = this.rules.roomIdIsCreateHash ? undefined : `!room${rooms}:${remote.name}`
    const content: JsonObject = { room_version: version, number: rooms }
    if (this.rules.createHasCreator) content.creator = this.creator
    const create = this.#add(
      { type: 'm.room.create', state_key: '', content },
      ...(named === undefined ? [] : [named]),
    )
    this.roomId = named ?? `!${create.eventId.slice(1)}`
    this.send({ type: 'm.room.member', state_key: this.creator, content: { membership: 'join' } })
    const users = this.rules.privilegedCreators ? {} : { [this.creator]: 100 }
    this.send({ type: 'm.room.power_levels', state_key: '', content: { users } })
    this.send({ type: 'm.room.join_rules', state_key: '', content: { join_rule: joinRule } })
    this.send({ type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'shared' } })
    this.send({ type: 'm.room.name', state_key: '', content: { name: `Room ${rooms}` } })
  }

  get createId(): string {
    return this.state.get('m.room.create ')!
  }

  /** Adds an event after the last one. */
  send(event: Sent): BuiltEvent {
    return this.#add(event, this.roomId)
  }

  /** An event that the room does not take. */
  forge(event: Sent, change: Partial<EventDraft> = {}): BuiltEvent {
    return this.#build({ ...this.#draft(event, this.roomId), ...change })
  }

  invite(userId: string): BuiltEvent {
    return this.send({ type: 'm.room.member', state_key: userId, content: { membership: 'invite' } })
  }

  /** What an invited user is told of the room. */
  get shown(): Pdu[] {
    return [this.pdu('m.room.create'), this.pdu('m.room.name')]
  }

  /** Sends an invite to the server under test, as the remote does. */
  sendInvite(
    http: Api,
    { pdu, eventId }: BuiltEvent,
    more: Body = {},
    as?: Partial<SignedAs>,
  ): Promise<Answer> {
    const body = { event: pdu, room_version: this.rules.version, invite_room_state: this.shown, ...more }
    return this.remote.ask(http, 'PUT', invitePath(this.roomId, eventId), body, as)
  }

  pdu(type: string, key = ''): Pdu {
    return this.events.get(this.state.get(`${type} ${key}`)!)!.pdu
  }

  statePdus(): Pdu[] {
    return [...this.state.values()].map((eventId) => this.events.get(eventId)!.pdu)
  }

  template(membership: string, userId: string, more: JsonObject = {}): Body {
    const event = {
      type: 'm.room.member',
      state_key: userId,
      sender: userId,
      content: { membership, ...more },
    }
    const { authEvents, prevEvents, depth } = this.#draft(event, this.roomId)
    return {
      room_version: this.rules.version,
      event: {
        ...event,
        room_id: this.roomId,
        auth_events: authEvents,
        prev_events: prevEvents,
        depth,
        origin_server_ts: 1,
      },
    }
  }

  /** The answer of send_join, before the join is in the state. */
  joined(): Body {
    // More than the auth chains: all that ever was state.
    const chain = [...this.events.values()].map(({ pdu }) => pdu).filter((pdu) => pdu.state_key !== undefined)
    return { state: this.statePdus(), auth_chain: chain, members_omitted: false }
  }

  /** Takes a member event that the server under test has signed. */
  take({ body }: Received): void {
    const pdu = body as Pdu
    const event = { eventId: eventIdOf(pdu, this.rules), pdu, json: '' }
    this.taken.push(pdu)
    this.#enter(event)
  }

  /** An event with the remote's signature beside those that it has. */
  signed(pdu: Pdu): Pdu {
    const { name, key } = this.remote
    return JSON.parse(signedAlso(JSON.stringify(pdu), this.rules, { serverName: name, key })) as Pdu
  }

  /** Answers joins, knocks and leaves as a server in the room does. */
  serve(): this {
    const { remote } = this
    for (const membership of ['join', 'knock', 'leave'] as const) {
      remote.on(
        'GET',
        `/_matrix/federation/v1/make_${membership}/${encodeURIComponent(this.roomId)}/`,
        ({ uri }) => {
          const userId = decodeURIComponent(uri.split('?')[0]!.split('/').at(-1)!)
          return { body: this.template(membership, userId) }
        },
      )
    }
    this.onSend('join', (request) => {
      const body = this.joined()
      this.take(request)
      return { body }
    })
    this.onSend('knock', (request) => {
      this.take(request)
      return { body: { knock_room_state: [this.pdu('m.room.create'), this.pdu('m.room.name')] } }
    })
    this.onSend('leave', (request) => {
      this.take(request)
      return { body: {} }
    })
    return this
  }

  onMake(membership: 'join' | 'knock' | 'leave', handler: (request: Received) => Reply): void {
    const path = `/_matrix/federation/v1/make_${membership}/${encodeURIComponent(this.roomId)}/`
    this.remote.on('GET', path, handler)
  }

  onSend(membership: 'join' | 'knock' | 'leave', handler: (request: Received) => Reply): void {
    const version = membership === 'knock' ? 'v1' : 'v2'
    const path = `/_matrix/federation/${version}/send_${membership}/${encodeURIComponent(this.roomId)}/`
    this.remote.on('PUT', path, handler)
  }

  #add(event: Sent, roomId?: string): BuiltEvent {
    const built = this.#build(this.#draft(event, roomId))
    this.#enter(built)
    return built
  }

  #enter(event: BuiltEvent): void {
    const { pdu, eventId } = event
    this.events.set(eventId, event)
    if (pdu.state_key !== undefined) this.state.set(`${pdu.type} ${pdu.state_key}`, eventId)
    this.#last = event
  }

  #build(draft: EventDraft): BuiltEvent {
    return buildEvent(this.rules, draft, this.remote.name, this.remote.key)
  }

  #draft(
    { type, sender = this.creator, state_key: stateKey, content = {} }: Sent,
    roomId: string | undefined,
  ): EventDraft {
    this.#ts += 1
    const cited = authEventKeys(this.rules, {
      type,
      sender,
      content,
      ...(stateKey !== undefined && { stateKey }),
    })
    return {
      ...(roomId !== undefined && { roomId }),
      type,
      sender,
      ...(stateKey !== undefined && { stateKey }),
      content,
      originServerTs: this.#ts,
      depth: (this.#last?.pdu.depth ?? 0) + 1,
      authEvents: cited.map(([of, key]) => this.state.get(`${of} ${key}`)).filter((id) => id !== undefined),
      prevEvents: this.#last === undefined ? [] : [this.#last.eventId],
    }
  }
}
