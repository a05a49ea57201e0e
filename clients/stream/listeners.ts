/** Who listens to what, and what of an increment is told to whom. */
import type { Events, RoomPart, SyncBody } from './types.ts'

export type Listener<Name extends keyof Events> = (told: Events[Name]) => unknown

export class Listeners {
  readonly #by = new Map<keyof Events, Set<Listener<never>>>()

  /** Answers what ends it. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Name>): () => void {
    const all = this.#by.get(name) ?? new Set()
    this.#by.set(name, all)
    all.add(listener as Listener<never>)
    return () => all.delete(listener as Listener<never>)
  }

  /** Tells all, and answers when they are done. One that throws is told of as an error, and keeps back no other. */
  async tell<Name extends keyof Events>(name: Name, told: Events[Name]): Promise<void> {
    for (const listener of this.#by.get(name) ?? []) {
      try {
        await (listener as Listener<Name>)(told)
      } catch (error) {
        if (name !== 'error') await this.tell('error', error)
      }
    }
  }

  /** Tells of an increment, part by part. */
  async tellSync(body: SyncBody): Promise<void> {
    await this.tell('sync', body)
    for (const [membership, rooms] of Object.entries(body.rooms ?? {})) {
      if (membership !== 'join' && membership !== 'invite' && membership !== 'leave') continue
      for (const [roomId, part] of Object.entries(rooms ?? {})) {
        await this.tell('room', { roomId, membership })
        if (membership !== 'invite') await this.#tellRoom(roomId, part as RoomPart)
      }
    }
    for (const { sender, content } of body.presence?.events ?? [])
      await this.tell('presence', presenceOf(sender, content))
    for (const message of body.to_device?.events ?? []) await this.tell('message', message)
  }

  async #tellRoom(roomId: string, part: RoomPart): Promise<void> {
    for (const event of part.state?.events ?? []) await this.tell('state', { roomId, event })
    for (const event of part.timeline?.events ?? []) await this.tell('event', { roomId, event })
    for (const { type, content } of part.ephemeral?.events ?? []) {
      if (type === 'm.typing') await this.tell('typing', { roomId, userIds: content.user_ids as string[] })
      if (type === 'm.receipt') await this.#tellReceipts(roomId, content)
    }
  }

  async #tellReceipts(roomId: string, content: Record<string, unknown>): Promise<void> {
    for (const [eventId, types] of Object.entries(content))
      for (const [type, users] of Object.entries(types as Record<string, object>))
        for (const userId of Object.keys(users)) await this.tell('receipt', { roomId, eventId, userId, type })
  }
}

function presenceOf(userId: string, content: Record<string, unknown>): Events['presence'] {
  const { presence, status_msg, currently_active } = content
  return {
    userId,
    presence: String(presence),
    ...(typeof status_msg === 'string' && { statusMsg: status_msg }),
    ...(typeof currently_active === 'boolean' && { currentlyActive: currently_active }),
  }
}
