/** `?org.matrix.msc4140.delay=` on sends (MSC4140): how long, and how the event is scheduled. */
import * as z from 'zod'
import type { SendRequest } from '../../../src/objects/room/send.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { UserContext } from '../../app-env.ts'
import { newDelayId } from './delay-id.ts'

/** A call's member event outlives its client by hours at most. */
export const MAX_DELAY_MS = 86_400_000
/** As the Room holds it, for one user. */
export const MAX_SCHEDULED = 100
const SECRET_LENGTH = 24
const DELAY = 'org.matrix.msc4140.delay'

const Delay = z
  .string()
  .regex(/^\d{1,15}$/, 'not a whole number of milliseconds')
  .transform(Number)
export const DelayQuery = z.object({ [DELAY]: Delay.optional() })

/** The delay that a request asks for, if any. @throws MatrixError above the limit */
export function delayOf(query: z.infer<typeof DelayQuery>): number | undefined {
  const delay = query[DELAY]
  return delay === undefined ? undefined : checkDelay(delay)
}

/** @throws MatrixError above the limit */
export function checkDelay(delay: number): number {
  if (delay <= MAX_DELAY_MS) return delay
  throw new MatrixError('M_UNKNOWN', `The longest delay is ${MAX_DELAY_MS} ms`, {
    status: 400,
    extra: {
      'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED',
      'org.matrix.msc4140.max_delay': MAX_DELAY_MS,
    },
  })
}

/** Schedules a checked event, and answers its delay id. */
export async function schedule(
  c: UserContext,
  roomId: string,
  request: SendRequest,
  delayMs: number,
): Promise<string> {
  const { objects, ports, requester } = c.var
  const delayId = newDelayId(ports.config, ports.random.token(SECRET_LENGTH), roomId)
  await objects.requireRoom(roomId)
  // Noted first: the list of the user's rooms may be too long, but never too short.
  await objects.user(requester.userId).noteDelayed(requester.session, roomId)
  return objects.room(roomId).schedule({ ...request, delayId, delayMs })
}
