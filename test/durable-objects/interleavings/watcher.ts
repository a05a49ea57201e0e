/** One user with several devices who polls, loses answers and comes back with old tokens; a friend who talks. */
import { type Api, type Body, type Client, must } from '../../support/client.ts'
import { eventually } from '../../support/eventually.ts'
import { settled } from '../../support/faults.ts'
import { type ObjectKind, objectName, type TestServer } from '../../support/server.ts'
import { type Told, type Truth, toldBy } from './chains.ts'
import type { Choices } from './random.ts'

/** A poll under way. */
export interface Poll {
  since: string | undefined
  /** Rooms that its filter leaves out. */
  without: ReadonlySet<string>
  waits: boolean
  controller: AbortController
}

interface Device {
  client: Client
  token: string | undefined
  history: string[]
}

/** Tokens that a device may still come back with. */
const HISTORY = 6
const DEVICES = 3
/** An alarm that rings sooner would meet the eviction, ms. */
const SOON_MS = 350
/** How long those who wait may take to be told, ms. */
const ROUSE_MS = 2_500
/** A body that makes a wake too large to carry its increment. */
const LARGE = 'x'.repeat(17_000)

let worlds = 0

export class Watcher {
  readonly rooms: string[]
  readonly answers: Told[] = []
  readonly running = new Set<Poll>()
  /** How often objects of each kind have left the memory. */
  readonly evicted = new Map<ObjectKind, number>()
  readonly #server: TestServer
  readonly #http: Api
  readonly #choices: Choices
  readonly #friend: Client
  readonly #devices: Device[]
  readonly #sends: Promise<unknown>[] = []
  /** Objects that the runtime could not evict. */
  readonly #unmovable = new Set<string>()

  private constructor(
    server: TestServer,
    http: Api,
    choices: Choices,
    friend: Client,
    devices: readonly Client[],
    rooms: string[],
  ) {
    this.#server = server
    this.#http = http
    this.#choices = choices
    this.#friend = friend
    this.#devices = devices.map((client) => ({ client, token: undefined, history: [] }))
    this.rooms = rooms
  }

  /** Two new users, `count` rooms in which both are. */
  static async create(server: TestServer, http: Api, choices: Choices, count: number): Promise<Watcher> {
    worlds += 1
    const friend = await http.register(`friend${worlds}`)
    const devices = [await http.register(`watcher${worlds}`)]
    while (devices.length < DEVICES) devices.push(await http.login(`watcher${worlds}`))
    const rooms: string[] = []
    for (let i = 0; i < count; i += 1) {
      const room = await friend.createRoom({ preset: 'public_chat' })
      must(await devices[0]!.join(room))
      rooms.push(room)
    }
    return new Watcher(server, http, choices, friend, devices, rooms)
  }

  /** Says something; asked again until it is known to be said. */
  say(room: string): void {
    const text = this.#choices.chance(0.15) ? LARGE : 'hello'
    const txn = `i${this.#sends.length}`
    this.#sends.push(insist(() => this.#friend.say(room, text, txn)))
  }

  /** Starts a poll of some device: with its newest token or an old one, waiting or not, sometimes filtered. */
  poll(): void {
    const { pick, chance } = this.#choices
    const device = pick(this.#devices)
    const since = device.history.length > 0 && chance(0.2) ? pick(device.history) : device.token
    const without = chance(0.2) ? [pick(this.rooms)] : []
    this.#start(device, since, { waits: chance(0.7), keep: chance(0.8), without })
  }

  /** In a quiet moment, for which the platform would wait, an object leaves the memory: the user's, or a room's. */
  async evict(): Promise<void> {
    const { serverName } = this.#server
    if (this.#choices.chance(0.5)) {
      const { userId } = this.#devices[0]!.client
      if (await this.#oneWaits()) await this.#evictQuietly('USER', objectName.user(serverName, userId))
    } else {
      await this.#evictQuietly('ROOM', objectName.room(serverName, this.#choices.pick(this.rooms)))
    }
  }

  /** Everything that was said in each room, by the rooms' own history. */
  async truth(): Promise<Truth> {
    await Promise.all(this.#sends)
    const entries = this.rooms.map(async (room) => [room, await history(this.#friend, room)] as const)
    return new Map(await Promise.all(entries))
  }

  /** Every token a device may come back with, and no token at all. */
  tokens(): { client: Client; token: string | undefined }[] {
    return this.#devices.flatMap(({ client, token, history }) =>
      [...new Set([token, ...history])].map((one) => ({ client, token: one })),
    )
  }

  /** Asks on from a token until nothing new comes; answers where that ends. */
  async catchUp(client: Client, token: string | undefined): Promise<string> {
    let since = token
    for (let asked = 0; asked < 8; asked += 1) {
      const told = toldBy(since, must(await client.sync({ since, filter: filterOf([]) })).body)
      this.answers.push(told)
      since = told.next
      if (told.timelines.size === 0) break
    }
    return since!
  }

  /**
   * Everybody who waits is told something, and then one poll may wait alone: some versions of the runtime never
   * evict an object whose sockets were opened at the same time (docs/decisions, 6), and block while they try.
   * @returns false where somebody waits still
   */
  async #oneWaits(): Promise<boolean> {
    for (const room of this.rooms) this.say(room)
    const waiting = () => this.running.size
    await eventually(waiting, (count) => count === 0, ROUSE_MS).catch(() => undefined)
    if (waiting() > 0) return false
    const device = this.#choices.pick(this.#devices)
    if (this.#choices.chance(0.7)) this.#start(device, device.token, { waits: true, keep: true, without: [] })
    return true
  }

  async #evictQuietly(kind: ObjectKind, name: string): Promise<void> {
    if (this.#unmovable.has(name)) return
    await Promise.all(this.#sends)
    // An object that died during its work settles only after its next call.
    await settled(this.#http, SOON_MS, 1_000).catch(() => undefined)
    try {
      await this.#server.evict(kind, name)
      this.evicted.set(kind, (this.evicted.get(kind) ?? 0) + 1)
    } catch (error) {
      // One that is not in memory cannot leave it. One that is still held blocked us for half a minute: never again.
      if (/active references/.test(String(error))) this.#unmovable.add(name)
    }
  }

  #start(
    device: Device,
    since: string | undefined,
    { waits, keep, without }: { waits: boolean; keep: boolean; without: string[] },
  ): void {
    const controller = new AbortController()
    const poll: Poll = { since, waits, controller, without: new Set(without) }
    this.running.add(poll)
    const query = { since, filter: filterOf(without), timeout: waits ? 20_000 : 0 }
    void device.client
      .sync(query, controller.signal)
      .then(({ status, body }) => {
        if (status !== 200) return
        this.answers.push(toldBy(since, body))
        if (keep) remember(device, body.next_batch)
      })
      // A request that breaks is an answer that was lost.
      .catch(() => undefined)
      .finally(() => this.running.delete(poll))
  }
}

function remember(device: Device, token: string): void {
  device.token = token
  device.history.push(token)
  if (device.history.length > HISTORY) device.history.shift()
}

function filterOf(without: string[]): string {
  return JSON.stringify({ room: { timeline: { limit: 500 }, not_rooms: without } })
}

/** Does it again until it succeeds. */
async function insist(work: () => Promise<unknown>): Promise<void> {
  const failure = () =>
    work().then(
      () => undefined,
      (error: unknown) => String(error),
    )
  await eventually(failure, (error) => error === undefined)
}

async function history(client: Client, room: string): Promise<string[]> {
  const ids: string[] = []
  for (let from: string | undefined, more = true; more; ) {
    const path = `/rooms/${encodeURIComponent(room)}/messages`
    const { body } = must(await client.get(path, { dir: 'f', limit: 500, from }))
    ids.push(...body.chunk.map((event: Body) => event.event_id))
    from = body.end
    more = from !== undefined
  }
  return ids
}
