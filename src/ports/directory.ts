/** What Postgres keeps for finding rooms and people: aliases, the published rooms, the user directory. */
import type { PublicRoom } from '../protocol/rooms/room-summary.ts'

export interface Alias {
  alias: string
  roomId: string
  creator: string
}

export interface AliasStore {
  /**
   * Reserves an alias for a room about to be created. A minute later others may have it, unless the room's log confirms
   * it.
   */
  reserve(alias: Alias, now: number): Promise<boolean>
  /** Adds a finished alias; false when it is taken. */
  add(alias: Alias, now: number): Promise<boolean>
  find(alias: string): Promise<Alias | undefined>
  remove(alias: string): Promise<void>
  ofRoom(roomId: string): Promise<string[]>
  /** How many somebody has made. */
  madeBy(creator: string): Promise<number>
  /** Gives all aliases of a room to the one that replaces it. */
  move(from: string, to: string): Promise<void>
}

/** Rooms that were just made: the archive learns of them later. */
export interface RoomNotes {
  /** Kept for a day. */
  put(roomId: string): Promise<void>
  /** Those of these rooms that have a note. */
  of(roomIds: string[]): Promise<string[]>
}

/** A page of a list in a fixed order, beginning after one of its entries or ending before it. */
export interface PublicRoomsPage {
  limit: number
  /** Folded by `src/protocol/matching/fold.ts`; part of a name, topic or alias. */
  term?: string
  /** Null stands for rooms without a type. */
  roomTypes?: (string | null)[]
  from?: { direction: 'after' | 'before'; joined: number; roomId: string }
}

export interface DirectoryUser {
  userId: string
  displayName?: string
  avatarUrl?: string
}

/** What the archive knows of rooms and people: a moment behind the rooms themselves. */
export interface DirectoryStore {
  /** Listed rooms with members, the largest first; `more`: there are further ones in the direction of the page. */
  publicRooms(page: PublicRoomsPage): Promise<{ rooms: PublicRoom[]; more: boolean; total: number }>
  /** Whether the directory lists a room; undefined for rooms that the archive does not know. */
  isListed(roomId: string): Promise<boolean | undefined>
  /** Those of these rooms that are in the public directory. */
  listedAmong(roomIds: string[]): Promise<Set<string>>
  /** People that `viewer` may find, by words that must all be part of their name or id; the best first. */
  users(search: { viewer: string; words: string[]; limit: number }): Promise<DirectoryUser[]>
  /** Rooms that both have joined, by id, after the one named. */
  mutualRooms(
    users: [string, string],
    page: { after?: string; limit: number },
  ): Promise<{ rooms: string[]; total: number }>
}
