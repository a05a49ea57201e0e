/** What happens around a user of two Rust clients, drawn by a seed, and what both must show in the end. */
import { type Choices, choicesFrom } from '../durable-objects/interleavings/random.ts'
import { type Client, must } from '../support/client.ts'
import { objectName, type TestServer } from '../support/server.ts'
import type { RustClient, ShownRoom } from './rust-client.ts'

const FIRST_ROOMS = 25

export class RustHistory {
  readonly #choices: Choices
  readonly #server: TestServer
  readonly #user: Client
  readonly #others: Client[]
  readonly #start: (device: string) => RustClient
  readonly #rooms: string[] = []
  readonly #devices: Record<string, RustClient>

  /** @param start begins, or begins again, the user's client of this name */
  constructor(
    seed: number,
    server: TestServer,
    { user, others }: { user: Client; others: Client[] },
    start: (device: string) => RustClient,
  ) {
    this.#choices = choicesFrom(seed)
    this.#server = server
    this.#user = user
    this.#others = others
    this.#start = start
    this.#devices = { first: start('first'), second: start('second') }
  }

  /** The user's clients. */
  get clients(): RustClient[] {
    return Object.values(this.#devices)
  }

  async begin(): Promise<void> {
    for (let n = 0; n < FIRST_ROOMS; n += 1) await this.#create([])
  }

  /** Lets one thing happen. Others may be refused what they try: that is part of it. */
  async happen(): Promise<void> {
    const { pick, below, chance } = this.#choices
    const [room, other, user] = [pick(this.#rooms), pick(this.#others), this.#user]
    const device = pick(Object.keys(this.#devices))
    const about = { user_id: user.userId }
    const happenings: [times: number, happening: () => Promise<unknown>][] = [
      [6, () => this.#create(chance(0.5) ? [user.userId] : [])],
      [3, () => other.join(room)],
      [3, () => other.invite(room, user.userId)],
      [15, () => user.join(room)],
      [3, () => user.post(`/rooms/${room}/leave`)],
      [3, () => user.post(`/rooms/${room}/forget`)],
      [6, () => other.post(`/rooms/${room}/${pick(['kick', 'ban', 'unban'])}`, about)],
      [3, () => other.post(`/rooms/${room}/leave`)],
      [3, () => other.put(`/rooms/${room}/state/m.room.name/`, { name: `Name ${below(1_000)}` })],
      [12, () => this.#talk(other, room)],
      [6, () => this.#read(room)],
      [6, () => this.#open(this.#devices[device]!)],
      [3, () => this.#again(device)],
      [2, () => this.#server.evict('USER', objectName.user(this.#server.serverName, user.userId))],
      [1, () => this.#server.restart()],
    ]
    await pick(happenings.flatMap(([times, happening]) => Array<typeof happening>(times).fill(happening)))()
  }

  /** The rooms that `/sync` has, as a Rust client shows them. */
  async oracle(): Promise<Record<string, unknown>> {
    const { rooms = {} } = must(await this.#user.sync()).body
    const shown: Record<string, unknown> = {}
    for (const [id, room] of Object.entries<{ unread_notifications: Record<string, number> }>(
      rooms.join ?? {},
    )) {
      const name = must(await this.#user.get(`/rooms/${id}/state/m.room.name`)).body.name
      const { joined } = must(await this.#user.get(`/rooms/${id}/joined_members`)).body
      const { notification_count: notifications, highlight_count: highlights } = room.unread_notifications
      shown[id] = { name, joined_members: Object.keys(joined).length, notifications, highlights }
    }
    for (const id of Object.keys(rooms.invite ?? {})) shown[id] = 'invited'
    return shown
  }

  async #create(invite: string[]): Promise<void> {
    const name = `Room ${this.#rooms.length}`
    this.#rooms.push(
      await this.#choices.pick(this.#others).createRoom({ preset: 'public_chat', name, invite }),
    )
  }

  async #talk(by: Client, room: string): Promise<void> {
    for (let left = this.#choices.below(4); left >= 0; left -= 1) {
      const body = this.#choices.chance(0.3) ? `for ${this.#user.userId.split(/[@:]/)[1]}` : 'for all'
      await by.put(`/rooms/${room}/send/m.room.message/${this.#choices.next()}`, { msgtype: 'm.text', body })
    }
  }

  async #read(room: string): Promise<void> {
    const { body } = await this.#user.get(`/rooms/${room}/messages`, { dir: 'b', limit: 1 })
    const newest = body.chunk?.[0]?.event_id
    if (newest !== undefined) await this.#user.post(`/rooms/${room}/receipt/m.read/${newest}`, {})
  }

  async #open(client: RustClient): Promise<void> {
    const joined = (await client.ask<ShownRoom[]>('rooms')).filter(({ invited }) => !invited)
    if (joined.length > 0) await client.ask('timeline', this.#choices.pick(joined).id)
  }

  async #again(device: string): Promise<void> {
    await this.#devices[device]!.kill()
    this.#devices[device] = this.#start(device)
  }
}

/** What a client shows, in the form of the oracle. */
export const shownBy = (rooms: ShownRoom[]): Record<string, unknown> =>
  Object.fromEntries(
    rooms.map(({ id, invited, name, joined_members, notifications, highlights }) => [
      id,
      invited ? 'invited' : { name, joined_members, notifications, highlights },
    ]),
  )
