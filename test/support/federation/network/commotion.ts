/** Five servers that share a room, and what happens to them at random: one seed is one history. */
import { ServerFailure } from '../../../../src/federation/server-failure.ts'
import type { CreateRoomPlan } from '../../../../src/objects/room/create.ts'
import { MatrixError } from '../../../../src/protocol/errors.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { buildCreateEvent } from '../../../../src/protocol/rooms/create-event.ts'
import { type Random, seeded } from '../../../fuzz/random.ts'
import { rulesOf } from '../../auth-room.ts'
import { LossyNetwork } from './lossy.ts'
import { act, anchorOf, levels, misbehave } from './people.ts'
import { createRoom } from './room-code.ts'
import { NetworkServer, type World } from './server.ts'

const SERVERS = ['one', 'two', 'three', 'four', 'five'].map((name) => `${name}.example`)
const VERSIONS = ['6', '8', '10', '11', '12', '12']
const SECOND = 1_000
const DAY = 24 * 3_600 * SECOND
/** Rounds in which an undisturbed network must come to rest. */
const MOST_ROUNDS = 40

export class Commotion {
  readonly version: string
  /** Every event that a server made, as it was signed. */
  readonly made = new Map<string, Pdu>()
  readonly #random: Random
  readonly #world: World
  #now = 1_700_000_000_000

  constructor(seed: number) {
    const random = seeded(seed)
    this.#random = random
    this.version = random.pick(VERSIONS)
    this.#world = {
      random,
      network: new LossyNetwork(random),
      roomId: '',
      roomVersion: this.version,
      servers: new Map(),
      now: () => this.#now,
      note: (eventId, json) => {
        if (!this.made.has(eventId)) this.made.set(eventId, JSON.parse(json) as Pdu)
      },
    }
    for (const name of SERVERS) this.#world.servers.set(name, new NetworkServer(name, this.#world))
    this.#world.network.heal()
  }

  get servers(): NetworkServer[] {
    return [...this.#world.servers.values()]
  }

  /** The first server makes the room, and the others join it. */
  async begin(): Promise<void> {
    const [first] = this.servers as [NetworkServer]
    const sender = anchorOf(first.name)
    const rules = rulesOf(this.version)
    const content = { room_version: this.version, ...(rules.createHasCreator ? { creator: sender } : {}) }
    const room = { sender, content, localpart: 'room', originServerTs: this.#now }
    const create = buildCreateEvent(rules, room, first.name, first.key)
    this.#world.roomId = create.roomId
    const plan: CreateRoomPlan = {
      profile: {},
      isDirect: false,
      preset: 'public_chat',
      invite: [],
      initialState: [],
      public: false,
      powerLevelOverride: levels(this.#random, SERVERS, this.version),
    }
    first.mutate((change) => createRoom(change, create.pdu, this.version, plan))
    for (const server of this.servers.slice(1)) await server.join(anchorOf(server.name), first.name)
  }

  async step(): Promise<void> {
    const random = this.#random
    this.#now += random.below(random.chance(0.02) ? 10 * 60 * SECOND : 2 * SECOND)
    const kind = random.next()
    const server = random.pick(this.servers)
    if (kind < 0.5) await this.#act(server)
    else if (kind < 0.56) await this.#misbehave(server)
    else if (kind < 0.92)
      await Promise.all(this.servers.filter(() => random.chance(0.4)).map((one) => one.run()))
    else if (kind < 0.95) server.restart()
    else if (kind < 0.97) await tolerantly(() => server.readBack())
    else if (kind < 0.975) this.#leave(server)
    else if (kind < 0.98) this.#world.network.heal()
    else this.#world.network.disturb(random.pick([0, 0.05, 0.3]), 1 + random.below(3))
  }

  /** The network falls apart while one server says very much: more than it tells the others afterwards. */
  async outage(messages: number): Promise<void> {
    const { network } = this.#world
    network.disturb(0, 1)
    await this.#untilQuiet()
    network.disturb(1, 1)
    const [, talker] = this.servers as [NetworkServer, NetworkServer]
    const sender = anchorOf(talker.name)
    for (let n = 0; n < messages; n++) talker.send({ sender, type: 'm.room.message', content: { n } })
    for (const server of this.servers) {
      const topic = {
        sender: anchorOf(server.name),
        type: 'm.room.topic',
        stateKey: '',
        content: { topic: server.name },
      }
      server.send(topic)
      await server.run()
    }
  }

  async #act(server: NetworkServer): Promise<void> {
    if (server.isIn) await act(server, this.#world)
    else await this.#comeBack(server)
  }

  async #misbehave(server: NetworkServer): Promise<void> {
    if (server.isIn) await misbehave(server, this.#world)
  }

  /** All users of a server leave, so that it hears nothing more. The first one stays, so that the room does. */
  #leave(server: NetworkServer): void {
    if (server.name === SERVERS[0] || !server.room.store.exists) return
    for (const user of server.joined) server.changeMembership({ action: 'leave', sender: user, target: user })
  }

  async #comeBack(server: NetworkServer): Promise<void> {
    const through = this.servers.filter((other) => other !== server && other.isIn)
    if (through.length > 0)
      await tolerantly(() => server.join(anchorOf(server.name), this.#random.pick(through).name))
  }

  /** The network is whole again and everybody says something, until nothing is left to tell or to ask. */
  async settle(): Promise<void> {
    this.#world.network.heal()
    for (let round = 0; round < MOST_ROUNDS; round++) {
      this.#now += 2 * DAY
      await this.#untilQuiet()
      await this.#bringBack()
      for (const server of this.servers)
        if (server.isIn)
          server.send({ sender: server.joined[0]!, type: 'm.room.message', content: { round } })
      await this.#untilQuiet()
      while (await this.#readBack()) await this.#untilQuiet()
      if (this.#isAtRest()) return
    }
    throw new Error(`the servers do not come to rest: ${JSON.stringify(this.states())}`)
  }

  /**
   * A server that came back through one that had not heard of its leave stands on a join that the leave undoes elsewhere.
   * It is told nothing more, and only a new join helps.
   */
  #isEstranged({ name, isIn }: NetworkServer): boolean {
    const [first] = this.servers as [NetworkServer]
    return isIn && name !== first.name && !first.hasIn(name)
  }

  /** The first server lets everybody in again. Nobody says anything meanwhile that an older rule could win by. */
  async #bringBack(): Promise<void> {
    const [first, ...others] = this.servers as [NetworkServer, ...NetworkServer[]]
    for (const server of others) if (this.#isEstranged(server)) this.#leave(server)
    const away = others.filter(({ isIn }) => !isIn)
    if (away.length === 0) return
    const sender = anchorOf(first.name)
    first.send({ sender, type: 'm.room.join_rules', stateKey: '', content: { join_rule: 'public' } })
    await this.#untilQuiet()
    for (const server of away) await tolerantly(() => server.join(anchorOf(server.name), first.name))
  }

  async #untilQuiet(): Promise<void> {
    for (let isBusy = true; isBusy; ) {
      isBusy = false
      for (const server of this.servers) if (await server.run()) isBusy = true
    }
  }

  async #readBack(): Promise<boolean> {
    let found = false
    for (const server of this.servers) if (server.isIn && (await server.readBack())) found = true
    return found
  }

  #isAtRest(): boolean {
    const states = this.states()
    return states.every(
      ({ heads, isIn, staged, gaps }) =>
        isIn && staged === 0 && gaps === 0 && heads.join() === states[0]!.heads.join(),
    )
  }

  /** Where each server stands. */
  states(): { name: string; isIn: boolean; staged: number; gaps: number; events: number; heads: string[] }[] {
    return this.servers.map(({ name, isIn, room }) => ({
      name,
      isIn,
      staged: room.count('staged'),
      gaps: room.count('gaps'),
      events: room.count('events'),
      heads: room.store.extremities.map(({ eventId }) => eventId).sort(),
    }))
  }
}

async function tolerantly(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof MatrixError) && !(error instanceof ServerFailure)) throw error
  }
}
