/** Schemas of what stands in many paths and bodies: identifiers, and the checks that go with them. */
import * as z from 'zod'
import type { UserRequester } from '../../src/accounts/requester.ts'
import type { AliasedRoom } from '../../src/federation/directory.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import {
  fitsBytes,
  isEventId,
  isRoomAlias,
  isRoomId,
  isUserId,
  MAX_ID_BYTES,
} from '../../src/protocol/identifiers.ts'
import type { AppContext } from '../app-env.ts'

const bytes = (text: string) => fitsBytes(text, MAX_ID_BYTES)

export const RoomId = z.string().refine(isRoomId, 'not a room ID')
export const UserId = z.string().refine(isUserId, 'not a user ID')
export const EventId = z.string().refine(isEventId, 'not an event ID')
export const RoomAlias = z.string().refine(isRoomAlias, 'not a room alias')
/** New aliases must not hold whitespace, as on other servers; older ones are still found. */
export const NewRoomAlias = RoomAlias.refine((alias) => !/[ \t-\r]/.test(alias), 'has whitespace')
/** "The type of the event … MUST NOT exceed 255 bytes"; an empty segment is another path. */
export const EventType = z.string().min(1).refine(bytes, 'too long')
export const StateKey = z.string().refine(bytes, 'too long')
export const TxnId = z.string().min(1).refine(bytes, 'too long')
export const DeviceId = z.string().min(1).refine(bytes, 'too long')
/** A query parameter that is a boolean. */
export const Flag = z.enum(['true', 'false']).transform((text) => text === 'true')
/** A query parameter that is a whole number. */
export const Count = z
  .string()
  .regex(/^\d{1,15}$/, 'not a whole number')
  .transform(Number)

export const InRoom = z.object({ roomId: RoomId })

/** @throws MatrixError M_FORBIDDEN unless the path's user is the requester */
export function requireSelf(requester: UserRequester, userId: string): void {
  if (requester.userId !== userId)
    throw new MatrixError('M_FORBIDDEN', 'The user in the path must be the owner of the access token')
}

/** The room behind an alias, and servers that are in it. @throws MatrixError M_NOT_FOUND */
export async function roomOfAlias({ var: { objects } }: AppContext, alias: string): Promise<AliasedRoom> {
  const found = await objects.servers.roomOf(alias)
  if (found === undefined) throw new MatrixError('M_NOT_FOUND', `There is no room alias ${alias}`)
  return found
}
