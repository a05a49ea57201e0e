/** Refuses what guests and suspended users may not do, by the endpoint's row. */
import { suspended } from '../../src/accounts/standing.ts'
import type { Session } from '../../src/objects/user/session.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { JsonObject } from '../../src/protocol/events/canonical-json.ts'
import { stringField } from '../../src/protocol/json-fields.ts'
import type { AppContext } from '../app-env.ts'
import { readJsonObject } from './bodies/body.ts'
import { type EndpointRow, permitOf } from './endpoint-row.ts'

/** @throws MatrixError M_GUEST_ACCESS_FORBIDDEN */
export function refuseGuest(row: EndpointRow): void {
  if (!permitOf(row).guests) throw forbiddenToGuests()
}

/** The error for a guest. */
export function forbiddenToGuests(): MatrixError {
  return new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests may not do this: make an account')
}

/** @throws MatrixError M_USER_SUSPENDED */
export async function refuseSuspended(c: AppContext, row: EndpointRow, session: Session): Promise<void> {
  const permit = permitOf(row).suspended
  if (permit === true || (permit === 'own' && (await concernsThemAlone(c, session)))) return
  throw suspended()
}

/** Suspended users may leave, and "redact their own events", by any path that does so. */
async function concernsThemAlone(c: AppContext, session: Session): Promise<boolean> {
  const { roomId, eventId, eventType, stateKey } = c.req.param() as Readonly<Record<string, string>>
  if (roomId === undefined) return false
  if (eventId !== undefined) return isOwnEvent(c, session, roomId, eventId)
  if (eventType === 'm.room.member' && stateKey === session.userId) {
    return (await contentOf(c)).membership === 'leave'
  }
  if (eventType !== 'm.room.redaction') return false
  const redacted = stringField((await contentOf(c)).redacts)
  return redacted !== undefined && isOwnEvent(c, session, roomId, redacted)
}

/** The body, which is read again when it is checked. */
async function contentOf(c: AppContext): Promise<JsonObject> {
  const reading = { timeout: c.var.ports.config.bodyTimeoutMs, optional: true }
  return (await readJsonObject(c.req.raw.clone() as typeof c.req.raw, reading)).value
}

async function isOwnEvent(
  c: AppContext,
  session: Session,
  roomId: string,
  eventId: string,
): Promise<boolean> {
  const event = await c.var.objects.room(roomId).event(session, eventId).catch(whereHidden)
  return event?.sender === session.userId
}

/** An event that a user cannot see is not theirs. */
function whereHidden(error: unknown): undefined {
  if (error instanceof MatrixError && error.status < 500) return undefined
  throw error
}
