/** What happens to a user of sliding sync, drawn by a seed: in rooms, to the client's lists, and to the server. */

import { PROFILES } from '../../../../../src/objects/user/sliding.ts'
import type { Choices } from '../../../../durable-objects/interleavings/random.ts'
import { type Api, type Client, must } from '../../../../support/client.ts'
import { planFault } from '../../../../support/faults.ts'
import { objectName, type TestServer } from '../../../../support/server.ts'
import { type Connection, connection } from './connection.ts'
import { Mirror } from './mirror.ts'

export interface Cast {
  server: TestServer
  http: Api
  alice: Client
  bob: Client
}

export const FIELDS = ['displayname', 'm.tz', 'org.example.status']
const ALL_STATE = [['*', '*']]
const NARROW = [
  ['m.room.name', ''],
  ['m.room.member', '$ME'],
  ['m.room.member', '$LAZY'],
]

/** One connection of the user, and what its client has. */
export class Side {
  readonly mirror: Mirror
  readonly #choices: Choices
  readonly #connection: Connection
  readonly #takesMessages: boolean
  /** Of profiles; undefined: all. */
  readonly fields: string[] | undefined
  #range = 2
  #limit = 2
  #state = NARROW
  #subscribed: string[] = []

  /** @param name the connection's; only the first takes messages to the device, which are for one of them */
  constructor({ http, alice }: Cast, choices: Choices, name: string) {
    this.mirror = new Mirror(alice.userId)
    this.#choices = choices
    this.#connection = connection(http, alice, name)
    this.#takesMessages = name === 'main'
    this.fields = name === 'main' ? undefined : FIELDS.slice(1)
  }

  /** Asks once, and takes the answer or loses it. Answers whether it held anything. */
  async look(note: (what: string) => void): Promise<boolean> {
    const rule = { timeline_limit: this.#limit, required_state: this.#state }
    const more = { ...rule, timeline_limit: this.#limit + 3 }
    const body = {
      lists: { all: { ...rule, ranges: [[0, this.#range]] } },
      room_subscriptions: Object.fromEntries(this.#subscribed.map((room) => [room, more])),
      extensions: {
        account_data: { enabled: true },
        e2ee: { enabled: true },
        [PROFILES]: { enabled: true, fields: this.fields },
        ...(this.#takesMessages && { to_device: { enabled: true, since: this.mirror.toDevice } }),
      },
    }
    const query = { timeout: this.#choices.chance(0.3) ? 30 : 0 }
    if (this.#choices.chance(0.2)) {
      note('an answer is lost')
      must(await this.#connection.lose(body, query))
    }
    return this.mirror.take(await this.#connection.ask(body, query))
  }

  /** Changes what is asked for. */
  ask(rooms: readonly string[]): string {
    this.#range = this.#choices.below(rooms.length)
    this.#limit = 1 + this.#choices.below(5)
    this.#state = this.#choices.pick([NARROW, NARROW, ALL_STATE])
    this.#subscribed = this.#choices.chance(0.4) ? [this.#choices.pick(rooms)] : []
    const subscribed = this.#subscribed.map((room) => rooms.indexOf(room))
    return `asks for ${this.#range} rooms, ${this.#limit} events, ${this.#state.length} of state, room ${subscribed}`
  }

  /** Asks for everything until nothing comes any more. */
  async end(): Promise<void> {
    this.#range = 999
    this.#limit = 50
    this.#state = ALL_STATE
    for (let quiet = 0; quiet < 2; ) quiet = (await this.look(() => {})) ? 0 : quiet + 1
  }
}

export class History {
  readonly log: string[] = []
  readonly sides: readonly Side[]
  readonly rooms: string[] = []
  readonly sent: number[] = []
  /** Users and fields of their profiles. */
  readonly touched = new Set<string>()
  readonly #cast: Cast
  readonly #choices: Choices
  #texts = 0

  constructor(cast: Cast, choices: Choices) {
    this.#cast = cast
    this.#choices = choices
    this.sides = ['main', 'other'].map((name) => new Side(cast, choices, name))
  }

  /** Rooms to begin with, and one that both stay in: each hears of what the other changes. */
  async begin(rooms: number): Promise<void> {
    const { alice, bob } = this.#cast
    const shared = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(shared))
    for (let n = 0; n < rooms; n += 1) await this.#make()
    for (const side of this.sides) await side.look(() => {})
  }

  async happen(): Promise<void> {
    const roll = this.#choices.below(100)
    const [, act] = ACTS.find(([upTo]) => roll < upTo) ?? ['', async () => {}]
    await act(this)
  }

  async look(): Promise<void> {
    const side = this.#side
    await side.look((what) => this.#note(what))
  }

  async end(): Promise<void> {
    for (const side of this.sides) await side.end()
  }

  // ------------------------------------------------------------ what happens

  #note(what: string): void {
    this.log.push(what)
  }

  get #side(): Side {
    return this.#choices.pick(this.sides)
  }

  get #room(): string {
    return this.#choices.pick(this.rooms)
  }

  #name(room: string): string {
    return `room ${this.rooms.indexOf(room)}`
  }

  async #make(): Promise<void> {
    const { alice, bob } = this.#cast
    const [maker, other] = this.#choices.chance(0.5) ? [alice, bob] : [bob, alice]
    const room = await maker.createRoom({ preset: 'public_chat', name: `made ${this.rooms.length}` })
    this.rooms.push(room)
    this.#note(`${maker.userId} makes ${this.#name(room)}`)
    if (this.#choices.chance(0.7)) must(await other.join(room))
  }

  async #say(): Promise<void> {
    const room = this.#room
    const client = this.#choices.chance(0.7) ? this.#cast.bob : this.#cast.alice
    for (let n = 1 + this.#choices.below(4); n > 0; n -= 1) {
      this.#texts += 1
      const path = at(room, `send/m.room.message/h${this.#texts}`)
      await client.put(path, { msgtype: 'm.text', body: `${this.#texts}` })
      this.#note(`${client.userId} says ${this.#texts} in ${this.#name(room)}`)
    }
  }

  async #rename(): Promise<void> {
    const room = this.#room
    const type = this.#choices.pick(['m.room.name', 'm.room.topic', 'org.example.state'])
    const value = `${this.#choices.below(1_000)}`
    for (const client of [this.#cast.alice, this.#cast.bob])
      await client.put(at(room, `state/${type}`), { name: value, topic: value })
    this.#note(`${type} of ${this.#name(room)} is ${value}`)
  }

  async #move(): Promise<void> {
    const { alice, bob } = this.#cast
    const room = this.#room
    const what = this.#choices.pick(['join', 'join', 'leave', 'kick', 'invite', 'other'])
    this.#note(`${what} in ${this.#name(room)}`)
    if (what === 'join') await alice.join(room)
    if (what === 'leave') await alice.post(at(room, 'leave'))
    if (what === 'kick') await bob.post(at(room, 'kick'), { user_id: alice.userId })
    if (what === 'invite') await bob.invite(room, alice.userId)
    if (what === 'other') await (this.#choices.chance(0.5) ? bob.join(room) : bob.post(at(room, 'leave')))
  }

  async #read(): Promise<void> {
    const { alice } = this.#cast
    const room = this.#room
    const last = this.#side.mirror.rooms.get(room)?.timeline.at(-1)
    if (last === undefined) return
    this.#note(`reads ${this.#name(room)}`)
    await alice.post(at(room, `receipt/m.read/${encodeURIComponent(last)}`))
  }

  async #set(): Promise<void> {
    const { alice } = this.#cast
    const room = this.#room
    const value = { n: this.#choices.below(1_000) }
    const place = this.#choices.chance(0.5) ? '' : `rooms/${encodeURIComponent(room)}/`
    this.#note(`sets data of ${place === '' ? 'none' : this.#name(room)} to ${value.n}`)
    await alice.put(`/user/${encodeURIComponent(alice.userId)}/${place}account_data/org.example.data`, value)
  }

  async #send(): Promise<void> {
    const { alice, bob } = this.#cast
    const n = this.sent.length
    this.sent.push(n)
    const messages = { [alice.userId]: { [alice.deviceId]: { n } } }
    must(await bob.put(`/sendToDevice/org.example.ping/${n}`, { messages }))
  }

  async #profile(): Promise<void> {
    const client = this.#choices.pick([this.#cast.alice, this.#cast.bob, this.#cast.bob])
    const field = this.#choices.pick(FIELDS)
    const path = `/profile/${encodeURIComponent(client.userId)}/${field}`
    const value = this.#choices.chance(0.3) ? undefined : `v${this.#choices.below(1_000)}`
    if (this.#choices.chance(0.2)) await planFault(this.#cast.http, 'drop:user.profileFields')
    must(await (value === undefined ? client.delete(path) : client.put(path, { [field]: value })))
    this.touched.add(JSON.stringify([client.userId, field]))
    this.#note(`${client.userId} sets ${field} to ${value}`)
  }

  #ask(): void {
    const side = this.#side
    this.#note(`connection ${this.sides.indexOf(side)} ${side.ask(this.rooms)}`)
  }

  async #evict(): Promise<void> {
    const { alice, server } = this.#cast
    const isUser = this.#choices.chance(0.7)
    this.#note(isUser ? 'the user’s object leaves the memory' : 'a Room leaves the memory')
    if (isUser) await server.evict('USER', objectName.user(server.serverName, alice.userId))
    else await server.evict('ROOM', objectName.room(server.serverName, this.#room))
  }

  static readonly acts: readonly (readonly [number, (history: History) => Promise<unknown>])[] = [
    [30, (history) => history.#say()],
    [36, (history) => history.#rename()],
    [46, (history) => history.#move()],
    [50, (history) => history.#read()],
    [53, (history) => history.#set()],
    [56, (history) => history.#profile()],
    [58, (history) => history.#send()],
    [60, (history) => history.#make()],
    [68, async (history) => history.#ask()],
    [72, (history) => history.#evict()],
    [100, (history) => history.look()],
  ]
}

const ACTS = History.acts

function at(room: string, rest: string): string {
  return `/rooms/${encodeURIComponent(room)}/${rest}`
}
