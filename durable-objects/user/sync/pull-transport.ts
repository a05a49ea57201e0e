/** How a User object asks Rooms: one by one, or many at once through slices of stateless Workers. */
import { checkValue, countService } from '../../../src/limiter.ts'
import type { PullRequest, RoomSlice } from '../../../src/objects/room/sync.ts'
import type { Ports } from '../../../src/ports/ports.ts'
import { slicesWithin } from '../../../src/slices.ts'
import { ownFanOut } from '../../loopback.ts'
import type { Peers } from '../../peers.ts'
import { type Admission, sharedAdmission } from './streams/admission.ts'

export interface RoomPull {
  roomId: string
  request: PullRequest
}

/** A Room's answer; undefined: it could not be reached; `full`: the call could carry no more. */
export type Pulled = RoomSlice | 'full' | undefined

/** Answers in the order of the questions. */
export type PullRooms = (pulls: RoomPull[]) => Promise<Pulled[]>

/** The fan-out entrypoint's method: see `durable-objects/fan-out.ts`. */
interface FanOutStub {
  pull(pulls: RoomPull[]): Promise<Pulled[]>
}

/** Characters of the slices that one call brings together; the first always comes. */
const CALL_LENGTH = 4_000_000

/** Marks as `full` the answers of Rooms that one call cannot carry. */
export function withinCall(slices: readonly (RoomSlice | undefined)[]): Pulled[] {
  let length = 0
  return slices.map((slice) => {
    if (slice === undefined || length > CALL_LENGTH) return slice && 'full'
    const before = length
    length += JSON.stringify(slice).length
    return before === 0 || length <= CALL_LENGTH ? slice : 'full'
  })
}

/** Up to this many Rooms an object asks by itself: an invocation has a few hundred calls. */
const DIRECT = 100
const SLICE = 25
/** Of more Rooms the groups are larger: an object may call few Workers, and answers that do not fit are asked for again. */
const MOST_GROUPS = 20

/** Puts the rooms of one sync into groups that are asked together. */
export function askedTogether<T>(all: readonly T[]): T[][] {
  return all.length > DIRECT ? slicesWithin(all, SLICE, MOST_GROUPS) : slicesWithin(all, 1, DIRECT)
}

/** How the syncs of a user ask Rooms, and the bound that they share with those of other users. */
export function pulling(
  objects: Peers,
  { config, clock }: Pick<Ports, 'config' | 'clock'>,
): { pullRooms: PullRooms; admission: Admission } {
  return { pullRooms: pullRooms(objects), admission: sharedAdmission(config.roomsAskedAtOnce, clock) }
}

function pullRooms(objects: Peers): PullRooms {
  return async (pulls) => {
    const [only] = pulls
    if (only !== undefined && pulls.length === 1) return [await objects.room(only.roomId).pull(only.request)]
    countService('fan_out.pull')
    const answers = await ownFanOut<FanOutStub>().pull(pulls)
    checkValue('fan_out.pull', answers, true)
    return answers
  }
}
