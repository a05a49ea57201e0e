/** How a User object asks Rooms: one by one, or many at once through slices of stateless Workers. */
import type { Env } from '../../src/env.ts'
import { countCall } from '../../src/limiter.ts'
import type { PullRequest, RoomSlice } from '../../src/ports.ts'
import type { Objects } from '../stubs.ts'

export interface RoomPull {
  roomId: string
  request: PullRequest
}

/** Answers in the order of the questions; undefined for a Room that could not be reached. */
export type PullRooms = (pulls: RoomPull[]) => Promise<(RoomSlice | undefined)[]>

/** The fan-out entrypoint's method: see `durable-objects/fan-out.ts`. */
interface FanOutStub {
  pull(pulls: RoomPull[]): Promise<(RoomSlice | undefined)[]>
}

/** Up to this many Rooms an object asks by itself: an invocation has a few hundred calls. */
const DIRECT = 100
const SLICE = 25

/** The rooms of one sync, in the groups in which they are asked. */
export function inSlices<T>(all: readonly T[]): T[][] {
  const size = all.length > DIRECT ? SLICE : 1
  const groups: T[][] = []
  for (let start = 0; start < all.length; start += size) groups.push(all.slice(start, start + size))
  return groups
}

export function pullRooms(env: Env, objects: Objects): PullRooms {
  return async (pulls) => {
    const [only] = pulls
    if (only !== undefined && pulls.length === 1) return [await objects.room(only.roomId).pull(only.request)]
    countCall('fan_out.pull')
    return (env.FANOUT as unknown as FanOutStub).pull(pulls)
  }
}
