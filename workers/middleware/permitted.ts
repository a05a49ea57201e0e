/** Refuses what guests and suspended users may not do, by its endpoint's row. */
import { suspended } from '../../src/accounts/standing.ts'
import type { Session } from '../../src/objects/user/session.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppContext } from '../app-env.ts'
import { type EndpointRow, permitOf } from './endpoint-row.ts'

/** @throws MatrixError M_GUEST_ACCESS_FORBIDDEN */
export function refuseGuest(row: EndpointRow): void {
  if (!permitOf(row).guests) throw forbiddenToGuests()
}

/** What a guest is told. */
export function forbiddenToGuests(): MatrixError {
  return new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests may not do this: make an account')
}

/** @throws MatrixError M_USER_SUSPENDED */
export async function refuseSuspended(c: AppContext, row: EndpointRow, session: Session): Promise<void> {
  const permit = permitOf(row).suspended
  if (permit === true || (permit === 'own' && (await concernsOwnEvent(c, session)))) return
  throw suspended()
}

/** "Redact their own events" they may. */
async function concernsOwnEvent(c: AppContext, session: Session): Promise<boolean> {
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
