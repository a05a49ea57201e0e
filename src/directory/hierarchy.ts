/** Walking a tree of spaces page by page: Client-Server API §Discovering rooms within spaces. */
import { createHash } from 'node:crypto'
import type { RoomSummary } from '../objects/room/summary.ts'
import { isSuggested, SPACE_TYPE, type SpaceChild } from '../protocol/rooms/spaces.ts'

export interface SpaceRoom {
  summary: RoomSummary
  children: SpaceChild[]
}

export interface WalkRequest {
  root: string
  suggestedOnly: boolean
  maxDepth: number
  limit: number
  from?: WalkPlace
}

/** Where a page ended: the spaces from the root down to where it stood, and marks of the rooms it had asked. */
export interface WalkPlace {
  path: string[]
  visited: string[]
}

export interface WalkPage {
  rooms: SpaceRoom[]
  /** Undefined when the tree is done. */
  next?: WalkPlace
}

/** A room as the caller may see it, or undefined. */
type Ask = (roomId: string) => Promise<SpaceRoom | undefined>

/** Rooms asked in one page: more may be hidden from the caller than shown. */
const MAX_ASKED = 200
/** How many rooms are asked in all pages together; their marks travel in the token. */
const MAX_VISITED = 1_000
/** Children asked ahead, while the ones before them are waited for. */
const AHEAD = 8
const MARK_BYTES = 6

interface Frame {
  roomId: string
  pending: string[]
}

/**
 * One page, depth first. A room comes once, however many spaces hold it, so loops end. A room that was asked and not
 * shown is not asked again. Undefined if the caller may not see the root.
 */
export async function walkSpace(request: WalkRequest, ask: Ask): Promise<WalkPage | undefined> {
  const walk = new Walk(request, ask)
  const begun = request.from === undefined ? await walk.begin() : await walk.resume(request.from)
  return begun ? walk.run() : undefined
}

class Walk {
  readonly #request: WalkRequest
  readonly #ask: Ask
  readonly #asked = new Map<string, Promise<SpaceRoom | undefined>>()
  readonly #visited: Set<string>
  readonly #frames: Frame[] = []
  readonly #rooms: SpaceRoom[] = []

  constructor(request: WalkRequest, ask: Ask) {
    this.#request = request
    this.#ask = ask
    this.#visited = new Set(request.from?.visited)
  }

  /** Shows the root, and stands before its children. */
  async begin(): Promise<boolean> {
    const root = await this.#room(this.#request.root)
    if (root === undefined) return false
    this.#visited.add(markOf(this.#request.root))
    this.#rooms.push(this.#shown(root))
    if (this.#request.maxDepth > 0) this.#enter(this.#request.root, root)
    return true
  }

  /** Stands where a page ended, and skips what was visited of each space on the way. */
  async resume({ path }: WalkPlace): Promise<boolean> {
    for (const roomId of path.slice(0, this.#request.maxDepth)) {
      const space = await this.#room(roomId)
      if (space === undefined) break
      this.#enter(roomId, space)
    }
    return this.#frames.length > 0
  }

  async run(): Promise<WalkPage> {
    for (let frame = this.#nextFrame(); frame !== undefined; frame = this.#nextFrame()) {
      if (this.#rooms.length >= this.#request.limit || this.#asked.size >= MAX_ASKED) return this.#pause()
      const roomId = frame.pending.shift()!
      this.#visited.add(markOf(roomId))
      this.#askAhead(frame)
      const room = await this.#room(roomId)
      if (room === undefined) continue
      this.#rooms.push(this.#shown(room))
      // The frames are the room's ancestors: their number is its depth.
      if (this.#frames.length < this.#request.maxDepth) this.#enter(roomId, room)
    }
    return { rooms: this.#rooms }
  }

  #pause(): WalkPage {
    if (this.#visited.size >= MAX_VISITED) return { rooms: this.#rooms }
    const next = { path: this.#frames.map(({ roomId }) => roomId), visited: [...this.#visited] }
    return { rooms: this.#rooms, next }
  }

  /** The innermost space that still has children nobody has asked. */
  #nextFrame(): Frame | undefined {
    for (let frame = this.#frames.at(-1); frame !== undefined; frame = this.#frames.at(-1)) {
      while (frame.pending.length > 0 && this.#visited.has(markOf(frame.pending[0]!))) frame.pending.shift()
      if (frame.pending.length > 0) return frame
      this.#frames.pop()
    }
    return undefined
  }

  #enter(roomId: string, room: SpaceRoom): void {
    if (room.summary.room_type !== SPACE_TYPE) return
    const frame = { roomId, pending: this.#childrenOf(room).map((child) => child.state_key) }
    this.#frames.push(frame)
    this.#askAhead(frame)
  }

  #askAhead({ pending }: Frame): void {
    const room = Math.min(AHEAD, this.#request.limit - this.#rooms.length, MAX_ASKED - this.#asked.size)
    // A failure is told when its room's turn comes, if it comes.
    for (const roomId of pending.slice(0, Math.max(0, room))) void this.#room(roomId).catch(() => undefined)
  }

  #room(roomId: string): Promise<SpaceRoom | undefined> {
    const known = this.#asked.get(roomId)
    if (known !== undefined) return known
    const asked = this.#ask(roomId)
    this.#asked.set(roomId, asked)
    return asked
  }

  #shown(room: SpaceRoom): SpaceRoom {
    return { summary: room.summary, children: this.#childrenOf(room) }
  }

  #childrenOf({ children }: SpaceRoom): SpaceChild[] {
    return this.#request.suggestedOnly ? children.filter(isSuggested) : children
  }
}

/** Short enough for a token, long enough that no two of a thousand rooms share one. */
function markOf(roomId: string): string {
  return createHash('sha256').update(roomId).digest().subarray(0, MARK_BYTES).toString('base64url')
}
