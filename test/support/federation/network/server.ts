/** One of several servers that share a room: a Room, its Destinations, and what the Workers do between them. */
import { backfill } from '../../../../src/federation/inbound/backfill.ts'
import type { ReceivingRoom } from '../../../../src/federation/inbound/receive.ts'
import { type Inbound, takeEvents } from '../../../../src/federation/inbound/transaction.ts'
import { makeMember, sendMember } from '../../../../src/federation/membership/handshake.ts'
import { joinAnswer, readJoinedState } from '../../../../src/federation/membership/joined-state.ts'
import { invitedBy } from '../../../../src/federation/membership/outgoing-invite.ts'
import { sendTransaction } from '../../../../src/federation/transaction.ts'
import type { ReceiveAnswer } from '../../../../src/objects/room/federation.ts'
import type { MembershipRequest, SendRequest } from '../../../../src/objects/room/send.ts'
import type { KeyRing } from '../../../../src/ports/federation.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { type SigningKey, signingKey } from '../../../../src/protocol/events/signing.ts'
import type { Random } from '../../../fuzz/random.ts'
import { objectStorage } from '../../object-storage.ts'
import { type Change, NodeRoom, type Room } from '../node-room.ts'
import { answer } from './answers.ts'
import type { LossyNetwork } from './lossy.ts'
import * as code from './room-code.ts'

/** What all servers of a test share. */
export interface World {
  random: Random
  network: LossyNetwork
  roomId: string
  roomVersion: string
  /** All servers, by name. */
  servers: Map<string, NetworkServer>
  /** The time, ms. */
  now(): number
  /** Keeps what a server has made as it was signed. */
  note(eventId: string, json: string): void
}

/** A Room's clock stands within a call but for this chance: then the call's time is over. */
const OVER_TIME = 0.02
const OVER_MS = 60

/** No invite is kept outside the room. */
const uninvited = { membershipIn: async () => undefined, membershipChanged: async () => undefined }

export class NetworkServer {
  readonly name: string
  readonly key: SigningKey
  readonly #world: World
  readonly #destinations = new Map<string, { storage: object; queue: code.Queue }>()
  readonly room: NodeRoom
  #teller: code.Teller
  #late = 0
  /** When the Room's alarm rings. */
  #alarmAt: number | undefined

  constructor(name: string, world: World) {
    this.name = name
    this.#world = world
    const seed = Buffer.from(name.padEnd(32, '.')).toString('base64').replaceAll('=', '')
    this.key = signingKey('ed25519:net', seed)
    const { random } = world
    const now = () => {
      if (random.chance(OVER_TIME)) this.#late += OVER_MS
      return world.now() + this.#late
    }
    // Every second one rests after each resolution.
    const graceMs = world.servers.size % 2 === 0 ? 0 : undefined
    this.room = new NodeRoom(name, { clock: { now }, signingKey: this.key, graceMs })
    this.#teller = this.#tellerOf()
    world.network.attach(name, (origin, request) => answer(this, origin, request))
  }

  get ports(): Inbound['ports'] & { random: { token(length: number): string } } {
    const { network, now } = this.#world
    const config = { serverName: this.name, signingKeys: [this.key] }
    return {
      clock: { now },
      config,
      federation: network.clientOf(this.name),
      keyRing: this.#keyRing,
      metrics: { count: () => undefined },
      random: { token: (length: number) => 'x'.repeat(length) },
    } as never
  }

  get #keyRing(): KeyRing {
    const lookup = ({ serverName }: { serverName: string }) =>
      this.#world.servers.get(serverName)?.key.publicKey ?? 'invalid'
    return { known: () => lookup, collect: async () => lookup }
  }

  /** Whether a user of this server is in the room, as far as it knows. */
  get isIn(): boolean {
    return this.room.store.exists && this.joined.length > 0
  }

  /** Its users that are in the room. */
  get joined(): string[] {
    return this.#members("membership = 'join'").filter((userId) => userId.endsWith(`:${this.name}`))
  }

  /** Whether a user of another server is in the room, as far as this one knows. */
  hasIn(serverName: string): boolean {
    return code.federationFacts(this.room.room, serverName).inRoom
  }

  #members(condition: string): string[] {
    const query = `SELECT user_id FROM members WHERE ${condition} ORDER BY user_id`
    return this.room.rows(query).map(({ user_id }) => String(user_id))
  }

  /** One mutation of the Room, and what follows it. @throws MatrixError: nothing has changed then */
  mutate<T>(work: (change: Change) => T): T {
    const value = this.room.mutate(work)
    for (const { event } of this.room.last!.appended) {
      const [row] = this.room.rows('SELECT sender, pdu FROM events WHERE event_id = ?', event.event_id)
      if (String(row?.sender).endsWith(`:${this.name}`))
        this.#world.note(event.event_id, String(row?.pdu).trimEnd())
    }
    return value
  }

  send(request: SendRequest): string {
    return this.mutate((change) => code.send(change, request))
  }

  changeMembership(request: MembershipRequest): string | undefined {
    return this.mutate((change) => code.changeMembership(change, request))
  }

  async invite(request: MembershipRequest): Promise<void> {
    const prepared = code.prepareInvite(this.room.room, request)
    if (prepared === undefined) return
    const { roomId } = this.#world
    const { federation, keyRing } = this.ports
    this.#world.note(prepared.eventId, prepared.json)
    const json = await invitedBy(request.target, { roomId, ...prepared }, { federation, keyRing })
    this.mutate((change) => code.appendInvite(change, { eventId: prepared.eventId, json, isRedacted: false }))
  }

  /** A user joins through another server. */
  async join(userId: string, through: string): Promise<void> {
    const { roomId } = this.#world
    const parts = this.ports as never
    const asked = { roomId, userId, membership: 'join' } as const
    const { event, rules, isVouchedFor } = await makeMember(parts, through, asked, {})
    this.#world.note(event.eventId, event.json)
    const answer = joinAnswer()
    answer.add(new TextEncoder().encode(await sendMember(parts, through, asked, { event })))
    const joining = { roomId, rules, join: event, isVouchedFor }
    const told = await readJoinedState(answer, joining, this.#keyRing)
    const { stateIds, join } = told
    const events = [...told.events.parts()].flat()
    this.mutate((change) =>
      code.joinRemote(change, roomId, { roomVersion: rules.version, events, finish: { join, stateIds } }),
    )
  }

  /** A transaction of another server. */
  async take(origin: string, pdus: readonly JsonObject[]): Promise<Record<string, { error?: string }>> {
    const { results, sharesRoom } = await takeEvents(
      { ports: this.ports, room: () => this.#receiving, user: () => uninvited },
      origin,
      pdus,
    )
    if (sharesRoom) this.#queueOf(origin).rouse()
    return results
  }

  /** Sends events, beside what the Destinations send. @throws ServerFailure */
  tell(serverName: string, events: readonly string[]): Promise<void> {
    return sendTransaction(this.ports as never, serverName, events)
  }

  get #receiving(): ReceivingRoom {
    const here = (): Room => this.room.room
    return {
      federationFacts: async (serverName) => code.federationFacts(here(), serverName),
      serversIn: async () => code.serversIn(here()),
      receive: async (request) => this.#receive(request),
    }
  }

  #receive(request: Parameters<typeof code.receive>[1]): ReceiveAnswer {
    const taken = this.mutate((change) => code.receive(change, request))
    this.#alarmAt = taken.more ? this.#world.now() : (taken.restsUntil ?? this.#alarmAt)
    return taken
  }

  /** The Room's alarm, and those of its Destinations. Answers whether anything was left to do. */
  async run(): Promise<boolean> {
    if (!this.room.store.exists) return false
    let isBusy = false
    if (this.#alarmAt !== undefined) {
      this.#late = Math.max(this.#late, this.#alarmAt - this.#world.now())
      this.#alarmAt = undefined
      this.#receive({ origin: '', events: [] })
      isBusy = true
    }
    if (this.#teller.isLeft()) {
      await this.#teller.run()
      isBusy ||= !this.#teller.isLeft()
    }
    for (const { queue } of this.#destinations.values()) {
      if (!queue.isLeft()) continue
      const next = await queue.run()
      // A server that is left alone is looked at later.
      isBusy ||= next === undefined || next <= this.#world.now()
    }
    return isBusy
  }

  /** The Room and its Destinations leave the memory, and come back over their tables. */
  restart(): void {
    this.room.restart()
    this.#teller = this.#tellerOf()
    const isLeft = this.room.store.exists && this.room.count('staged') > 0
    this.#alarmAt = isLeft ? this.#world.now() : undefined
    for (const [name, { storage }] of this.#destinations)
      this.#destinations.set(name, { storage, queue: this.#queueOver(name, storage) })
  }

  /** A reader comes to all that is missing. Answers whether any of it was found. */
  async readBack(): Promise<boolean> {
    const missing = code.gapsBetween(
      this.room.store.sql,
      Number.MIN_SAFE_INTEGER,
      Number.MAX_SAFE_INTEGER,
      20,
    )
    if (missing.length === 0) return false
    return backfill(this.ports, this.#receiving, { roomId: this.#world.roomId, missing })
  }

  #tellerOf(): code.Teller {
    return code.tellerOver({
      store: this.room.store,
      serverName: this.name,
      mark: async (serverName, mark) => this.#queueOf(serverName).mark(mark),
      markMany: async (marks) => {
        for (const { serverName, mark } of marks) this.#queueOf(serverName).mark(mark)
      },
      now: this.#world.now,
    })
  }

  #queueOf(serverName: string): code.Queue {
    const known = this.#destinations.get(serverName)
    if (known !== undefined) return known.queue
    const storage = objectStorage()
    const queue = this.#queueOver(serverName, storage)
    this.#destinations.set(serverName, { storage, queue })
    return queue
  }

  #queueOver(serverName: string, storage: object): code.Queue {
    const { now, random } = this.#world
    return code.queueOver({
      storage,
      serverName,
      eventsOf: async (_, request) => code.outgoingEvents(this.room.room, request),
      send: (events) => this.tell(serverName, events),
      arm: () => undefined,
      now,
      chance: () => random.next(),
      failed: () => undefined,
    })
  }
}
