/** Refuses what guests and suspended users may not do, by the table in `permits.ts`. */
import type { Context } from 'hono'
import { matchedRoutes } from 'hono/route'
import { suspended } from '../../src/accounts/standing.ts'
import type { Session } from '../../src/objects/user/session.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppEnv } from '../app-env.ts'
import { type Permit, permitOf } from './permits.ts'

/** @throws MatrixError M_GUEST_ACCESS_FORBIDDEN */
export function refuseGuest(c: Context<AppEnv>): void {
  if (permitFor(c)?.guests !== true) throw forbiddenToGuests()
}

/** What a guest is told. */
export function forbiddenToGuests(): MatrixError {
  return new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests may not do this: make an account')
}

/** @throws MatrixError M_USER_SUSPENDED */
export async function refuseSuspended(c: Context<AppEnv>, session: Session): Promise<void> {
  const permit = permitFor(c)?.suspended ?? false
  if (permit === true || (permit === 'own' && (await concernsOwnEvent(c, session)))) return
  throw suspended()
}

function permitFor(c: Context<AppEnv>): Permit | undefined {
  const route = matchedRoutes(c).find(({ method }) => method !== 'ALL')
  return route && permitOf(route.method, route.path)
}

/** "Redact their own events" they may. */
async function concernsOwnEvent(c: Context<AppEnv>, session: Session): Promise<boolean> {
  const { roomId, eventId } = c.req.param() as { roomId?: string; eventId?: string }
  if (roomId === undefined || eventId === undefined) return false
  const event = await c.var.objects.room(roomId).event(session, eventId).catch(whereHidden)
  return event?.sender === session.userId
}

/** What a user cannot see is not theirs. */
function whereHidden(error: unknown): undefined {
  if (error instanceof MatrixError && error.status < 500) return undefined
  throw error
}
