/** What a client shows after it was told something: the same for an answer of /sync and for an increment of the stream. */
import type { Body } from '../../../support/client.ts'

interface RoomView {
  section: string
  /** Of a room that was forgotten nothing more is told than that it was left. */
  forgotten: boolean
  /** Event ids, since the last gap. */
  timeline: string[]
  state: Record<string, string>
  receipts: Record<string, string>
  unread: Body
  data: Record<string, Body>
}

export class View {
  /** What came twice. */
  readonly twice: string[] = []
  readonly messages: string[] = []
  readonly data: Record<string, Body> = {}
  readonly #rooms: Record<string, RoomView> = {}
  readonly #ignored: string

  /** @param ignored whose messages are hidden at times, by when the client looks */
  constructor(ignored: string) {
    this.#ignored = ignored
  }

  take(body: Body): void {
    for (const { content } of body.to_device?.events ?? []) this.messages.push(content.text)
    for (const { type, content } of body.account_data?.events ?? []) this.data[type] = content
    for (const [section, rooms] of Object.entries<Body>(body.rooms ?? {}))
      for (const [roomId, part] of Object.entries<Body>(rooms)) this.#takeRoom(roomId, section, part)
  }

  /**
   * What two clients must agree about, whenever each has looked. Of a room that was left what was last told stays, and
   * the timelines of two clients begin at different places: `lengths` says how much of each is compared.
   */
  shown(lengths: Record<string, number>): Body {
    const rooms = Object.entries(this.#rooms).map(([id, { timeline, section, forgotten, data, ...rest }]) => {
      if (forgotten) return [id, { section, forgotten, data }]
      const last = timeline.slice(timeline.length - (lengths[id] ?? 0))
      return [id, section === 'join' ? { section, data, last, ...rest } : { section, data, last }]
    })
    return { messages: this.messages, data: this.data, rooms: Object.fromEntries(rooms) }
  }

  get lengths(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.#rooms).map(([id, { timeline }]) => [id, timeline.length]))
  }

  #takeRoom(roomId: string, section: string, part: Body): void {
    this.#rooms[roomId] ??= {
      section,
      forgotten: false,
      timeline: [],
      state: {},
      receipts: {},
      unread: {},
      data: {},
    }
    const room = this.#rooms[roomId]
    room.section = section
    const { events = [], limited = false } = part.timeline ?? {}
    room.forgotten = section === 'leave' && events.length === 0
    if (limited) {
      room.timeline = []
      room.state = {}
    }
    for (const event of [...(part.state?.events ?? []), ...events])
      if (event.state_key !== undefined) room.state[`${event.type} ${event.state_key}`] = event.event_id
    for (const { event_id, sender, state_key } of events) {
      if (sender === this.#ignored && state_key === undefined) continue
      if (room.timeline.includes(event_id)) this.twice.push(event_id)
      room.timeline.push(event_id)
    }
    if (part.unread_notifications !== undefined) room.unread = part.unread_notifications
    for (const { type, content } of part.account_data?.events ?? []) room.data[type] = content
    for (const { type, content } of part.ephemeral?.events ?? [])
      if (type === 'm.receipt') this.#takeReceipts(room, content)
  }

  #takeReceipts({ receipts }: RoomView, content: Body): void {
    // One of a thread that a later one of the whole room covers is told only to those who look in between.
    for (const [eventId, types] of Object.entries<Body>(content))
      for (const [type, users] of Object.entries<Body>(types))
        for (const [userId, { thread_id }] of Object.entries<Body>(users))
          if (thread_id === undefined) receipts[`${type} ${userId}`] = eventId
  }
}
