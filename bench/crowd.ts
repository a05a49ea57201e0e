/**
 * A community: users with rooms of many sizes, whose clients poll and show that they type. Each has one of its rooms on
 * the screen, and says that it has read what comes there: clients send receipts for no other room.
 */

import {
  createRoom,
  inParallel,
  join,
  readSync,
  registerMany,
  type Session,
  send,
  syncPath,
  uniqueMarker,
} from './client.ts'
import type { HttpClient } from './http.ts'
import { paced, pause } from './measure.ts'
import { Poller } from './poller.ts'

const WIDTH = 8
const POLL_MS = 20_000
const TYPING_MS = 1_000
/** A room for so many users. */
const USERS_A_ROOM = 7
/** The largest room has this share of all users. */
const LARGEST = 0.8
/** Answers that come within this time of each other belong together, ms; after it the crowd is at rest. */
const QUIET_MS = 2_500
const LOOK_MS = 25
const LIMIT_MS = 90_000
const FILTER = encodeURIComponent(
  JSON.stringify({ room: { state: { lazy_load_members: true }, timeline: { limit: 20 } } }),
)
const V3 = '/_matrix/client/v3'

interface Room {
  id: string
  members: Session[]
}

export class Crowd {
  readonly users: Session[]
  readonly #http: HttpClient
  readonly #rooms: Room[]
  /** The room that each user looks at. */
  readonly #open: ReadonlyMap<Session, string>
  #pollers: Poller[] = []
  #sent = new Map<string, number>()
  #messages = 0
  #lastAnswer = 0
  /** Requests and polls that broke. */
  resets = 0
  /** ms from before each send until each client had the message. */
  deliveries: number[] = []

  private constructor(http: HttpClient, users: Session[], rooms: Room[]) {
    this.#http = http
    this.users = users
    this.#rooms = rooms
    this.#open = openRooms(users, rooms)
  }

  /** Registers `size` users, and has them join rooms: many small ones, and some with most of the users. */
  static async gather(http: HttpClient, size: number): Promise<Crowd> {
    const users = await registerMany(http, size, WIDTH)
    const count = Math.ceil(size / USERS_A_ROOM)
    const rooms: Room[] = []
    for (let room = 0; room < count; room += 1) {
      const wanted = Math.min(size, 2 + Math.floor((room / count) ** 3 * size * LARGEST))
      // A stride that is prime to the count spreads the rooms over the users, the same in every run.
      const members = Array.from({ length: wanted }, (_, i) => users[(room * 17 + i) % size]!)
      const id = await createRoom(members[0]!, { preset: 'public_chat' })
      await inParallel(members.length - 1, WIDTH, (i) => join(members[i + 1]!, id))
      rooms.push({ id, members })
    }
    return new Crowd(http, users, rooms)
  }

  /** All clients begin at the same moment, anew. Answers how long until each had its first answer and all is still, ms. */
  start(): Promise<number> {
    return this.#poll(this.users.map((session) => this.#poller(session)))
  }

  /**
   * The clients go on at the same moment from where they stood, as after a restart of their server. Answers how long
   * until a message has reached everybody in the largest room, ms.
   */
  async resume(): Promise<number> {
    const pollers = this.users.map((session) => this.#poller(session))
    for (const [i, poller] of pollers.entries()) poller.since = this.#pollers[i]?.since
    this.#pollers = pollers
    this.deliveries = []
    const start = performance.now()
    for (const poller of pollers) void poller.run()
    const { id, members } = this.#rooms.at(-1)!
    await this.#send(members[0]!, id)
    while (this.deliveries.length < members.length && performance.now() - start < LIMIT_MS) {
      await pause(LOOK_MS)
    }
    return performance.now() - start
  }

  async #poll(pollers: Poller[]): Promise<number> {
    const start = performance.now()
    this.#pollers = pollers
    for (const poller of pollers) void poller.run()
    return this.settled(start)
  }

  #poller(session: Session): Poller {
    const { http, token } = session
    return new Poller(http, {
      request: (since) => http.encode('GET', `${syncPath(since, POLL_MS)}&filter=${FILTER}`, token),
      take: ({ status, body }, since) => {
        const { text, nextBatch } = readSync(status, body)
        this.answered(session, text, since === undefined)
        return nextBatch
      },
      broke: () => this.broke(),
    })
  }

  stop(): void {
    for (const poller of this.#pollers) poller.stop()
  }

  /** Sends so many messages a second for so long; everybody reads and types as clients do. */
  async talk(rate: number, ms: number): Promise<void> {
    this.deliveries = []
    await paced(Math.floor((rate * ms) / 1_000), rate, () => this.#say().catch(() => this.broke()))
  }

  /** Waits until no answers come any more. Answers how long that took since `start`, ms. */
  async settled(start = performance.now()): Promise<number> {
    this.#lastAnswer = start
    while (performance.now() - start < LIMIT_MS) {
      await pause(LOOK_MS)
      const everybody = this.#pollers.every(({ since }) => since !== undefined)
      if (everybody && performance.now() - this.#lastAnswer > QUIET_MS) break
    }
    return this.#lastAnswer - start
  }

  /** An answer has come: notes what it brings, and reads it. */
  answered(session: Session, text: string, isFirst: boolean): void {
    const now = performance.now()
    this.#lastAnswer = now
    if (isFirst) return
    const newest = new Map<string, string>()
    for (const { roomId, eventId, marker } of messagesIn(text)) {
      const at = this.#sent.get(marker)
      if (at === undefined) continue
      this.deliveries.push(now - at)
      newest.set(roomId, eventId)
    }
    for (const [roomId, eventId] of newest) {
      if (this.#open.get(session) !== roomId) continue
      const path = `${V3}/rooms/${encodeURIComponent(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`
      this.#ask('POST', path, session, {})
    }
  }

  async #say(): Promise<void> {
    this.#messages += 1
    const room = this.#rooms[(this.#messages * 31) % this.#rooms.length]!
    const sender = room.members[(this.#messages * 7) % room.members.length]!
    const typing = `${V3}/rooms/${encodeURIComponent(room.id)}/typing/${encodeURIComponent(sender.userId)}`
    this.#ask('PUT', typing, sender, { typing: true, timeout: POLL_MS })
    await pause(TYPING_MS)
    await this.#send(sender, room.id)
    this.#ask('PUT', typing, sender, { typing: false })
  }

  async #send(sender: Session, roomId: string): Promise<void> {
    const marker = uniqueMarker()
    this.#sent.set(marker, performance.now())
    await send(sender, roomId, marker)
  }

  /** A request or a poll broke. */
  broke(): void {
    this.resets += 1
  }

  #ask(method: string, path: string, { token }: Session, body: object): void {
    this.#http.request(method, path, token, JSON.stringify(body)).then(
      ({ status }) => {
        if (status !== 200) this.broke()
      },
      () => this.broke(),
    )
  }
}

/** One of each user's rooms, so that all their rooms are looked at alike. */
function openRooms(users: readonly Session[], rooms: readonly Room[]): Map<Session, string> {
  const joined = new Map<Session, string[]>(users.map((user) => [user, []]))
  for (const { id, members } of rooms) for (const member of members) joined.get(member)?.push(id)
  const open = new Map<Session, string>()
  for (const [index, [user, ids]] of [...joined].entries()) {
    const id = ids[index % ids.length]
    if (id !== undefined) open.set(user, id)
  }
  return open
}

interface SyncBody {
  rooms?: { join?: Record<string, { timeline?: { events?: SyncEvent[] } }> }
}

interface SyncEvent {
  event_id: string
  type: string
  content: { body?: string }
}

interface Message {
  roomId: string
  eventId: string
  marker: string
}

function messagesIn(text: string): Message[] {
  if (!text.includes('"m.room.message"')) return []
  const { rooms } = JSON.parse(text) as SyncBody
  return Object.entries(rooms?.join ?? {}).flatMap(([roomId, { timeline }]) =>
    (timeline?.events ?? [])
      .filter(({ type }) => type === 'm.room.message')
      .map(({ event_id: eventId, content }) => ({ roomId, eventId, marker: content.body ?? '' })),
  )
}
