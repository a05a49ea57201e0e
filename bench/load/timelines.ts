/** What an answer of either sync tells of rooms' timelines, and the messages that it leaves out. */

import type { SyncBody } from '../../clients/stream/index.ts'
import { call, type Session } from '../client.ts'

export interface RoomEvent {
  type: string
  content: { body?: unknown }
}

export interface Timeline {
  roomId: string
  events: readonly RoomEvent[]
  /** Where to ask for what is left out before these events; undefined where nothing is. */
  gap: string | undefined
}

interface SlidingRoom {
  timeline?: RoomEvent[]
  limited?: boolean
  prev_batch?: string
}

export interface SlidingBody {
  pos: string
  rooms?: Record<string, SlidingRoom>
}

const PAGE = 100
/** No gap of a run is longer than so many pages; a server that goes on for ever is not followed. */
const MOST_PAGES = 50

/** The timelines of `/sync`, and of an increment of the stream. */
export function timelinesOfSync({ rooms }: SyncBody): Timeline[] {
  return Object.entries(rooms?.join ?? {}).map(([roomId, { timeline }]) => ({
    roomId,
    events: timeline?.events ?? [],
    gap: timeline?.limited ? timeline.prev_batch : undefined,
  }))
}

/** The timelines of sliding sync. */
export function timelinesOfSliding({ rooms = {} }: SlidingBody): Timeline[] {
  return Object.entries(rooms).map(([roomId, { timeline = [], limited, prev_batch }]) => ({
    roomId,
    events: timeline,
    gap: limited ? prev_batch : undefined,
  }))
}

/** The text of a message; undefined for any other event. */
export function markerOf({ type, content }: RoomEvent): string | undefined {
  return type === 'm.room.message' && typeof content.body === 'string' ? content.body : undefined
}

/** The messages before `gap` back to one that the client knows, newest first, as a client asks for them. */
export async function messagesBefore(
  session: Session,
  roomId: string,
  gap: string,
  isKnown: (marker: string) => boolean,
): Promise<string[]> {
  const found: string[] = []
  let from: string | undefined = gap
  for (let page = 0; page < MOST_PAGES && from !== undefined; page += 1) {
    const query: string = new URLSearchParams({ dir: 'b', limit: String(PAGE), from }).toString()
    const path = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/messages?${query}`
    const { chunk, end }: { chunk: RoomEvent[]; end?: string } = await call(
      session.http,
      'GET',
      path,
      session.token,
    )
    const markers = chunk.map(markerOf).filter((marker) => marker !== undefined)
    found.push(...markers.filter((marker) => !isKnown(marker)))
    if (markers.some(isKnown)) break
    from = end
  }
  return found
}
