/** What a client of sliding sync has, put together from all answers; it complains of what no client could make sense of. */
import { PROFILES } from '../../../../../src/objects/user/sliding.ts'
import type { Body } from '../../../../support/client.ts'

export interface MirrorRoom {
  /** As the user's own member event, or the stripped state, says. */
  membership: string
  /** The latest events, without a gap. */
  timeline: string[]
  /** Event ids by type and key. */
  state: Map<string, string>
  name: string | undefined
  joined: number
  invited: number
  unread: number
  data: Map<string, Body>
}

export class Mirror {
  readonly rooms = new Map<string, MirrorRoom>()
  readonly complaints: string[] = []
  readonly data = new Map<string, Body>()
  readonly messages: number[] = []
  readonly changed = new Set<string>()
  /** Fields by user. */
  readonly profiles = new Map<string, Map<string, unknown>>()
  counts: Record<string, number> = {}
  toDevice: string | undefined
  readonly #userId: string

  constructor(userId: string) {
    this.#userId = userId
  }

  /** Takes an answer. Answers whether it held anything. */
  take({ rooms, lists, extensions }: Body): boolean {
    for (const [name, { count }] of Object.entries<Body>(lists)) this.counts[name] = count
    for (const [roomId, room] of Object.entries<Body>(rooms)) this.#room(roomId, room)
    const { account_data, to_device, e2ee } = extensions
    for (const { type, content } of account_data?.global ?? []) this.data.set(type, content)
    for (const [roomId, events] of Object.entries<Body>(account_data?.rooms ?? {})) {
      const known = this.rooms.get(roomId)
      if (known === undefined)
        this.complaints.push(`account data of ${roomId}, which the client does not have`)
      for (const { type, content } of events) known?.data.set(type, content)
    }
    if (to_device !== undefined) {
      this.toDevice = to_device.next_batch
      for (const { content } of to_device.events) {
        if (this.messages.includes(content.n)) this.complaints.push(`message ${content.n} came twice`)
        this.messages.push(content.n)
      }
    }
    for (const userId of e2ee?.device_lists?.changed ?? []) this.changed.add(userId)
    const users = extensions[PROFILES]?.users
    for (const [userId, update] of Object.entries<Body | null>(users ?? {})) this.#profile(userId, update)
    const held = account_data ?? e2ee?.device_lists ?? users
    return Object.keys(rooms).length > 0 || held !== undefined || (to_device?.events.length ?? 0) > 0
  }

  #room(roomId: string, room: Body): void {
    const known = this.rooms.get(roomId)
    if (known === undefined && !room.initial) this.complaints.push(`${roomId} came without its beginning`)
    const stripped = room.invite_state?.find(
      ({ type, state_key }: Body) => type === 'm.room.member' && state_key === this.#userId,
    )
    if (stripped !== undefined) {
      this.rooms.set(roomId, { ...empty(), membership: stripped.content.membership })
      return
    }
    const next = known === undefined || room.initial ? { ...empty(), data: known?.data ?? new Map() } : known
    this.rooms.set(roomId, next)
    for (const event of room.required_state ?? []) {
      next.state.set(`${event.type} ${event.state_key}`, event.event_id)
      if (event.type === 'm.room.member' && event.state_key === this.#userId)
        next.membership = event.content.membership
    }
    this.#timeline(roomId, next, room)
    if (room.name !== undefined) next.name = room.name
    next.joined = room.joined_count ?? next.joined
    next.invited = room.invited_count ?? next.invited
    next.unread = room.notification_count ?? next.unread
  }

  #profile(userId: string, update: Body | null): void {
    const fields = this.profiles.get(userId) ?? new Map<string, unknown>()
    this.profiles.set(userId, fields)
    if (update === null) fields.clear()
    for (const [field, value] of Object.entries(update?.updated ?? {})) fields.set(field, value)
    for (const field of update?.removed ?? []) fields.delete(field)
  }

  #timeline(roomId: string, known: MirrorRoom, room: Body): void {
    const ids: string[] = (room.timeline ?? []).map(({ event_id }: Body) => event_id)
    if ((room.num_live ?? 0) > ids.length) this.complaints.push(`${roomId}: more live events than events`)
    if (room.unstable_expanded_timeline) {
      const end = known.timeline.at(-1)
      if (end !== undefined && !room.limited && !ids.includes(end))
        this.complaints.push(`${roomId}: its timeline was expanded over a gap`)
      known.timeline = ids
      return
    }
    const twice = ids.filter((id) => known.timeline.includes(id))
    if (twice.length > 0) this.complaints.push(`${roomId}: ${twice} came twice`)
    known.timeline = room.limited ? ids : [...known.timeline, ...ids]
  }
}

function empty(): MirrorRoom {
  return {
    membership: 'join',
    timeline: [],
    state: new Map(),
    name: undefined,
    joined: 0,
    invited: 0,
    unread: 0,
    data: new Map(),
  }
}
