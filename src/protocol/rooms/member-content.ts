/** What a member event may hold: a room has one for each user, and clients ask for all of them at once. */

import { MatrixError } from '../errors.ts'
import type { JsonObject } from '../events/canonical-json.ts'
import { profileInRooms } from '../profile.ts'

/** Bytes beside the profile, `membership` itself included. */
const MAX_ADDED = 8 * 1024

/** @throws MatrixError M_TOO_LARGE for content that holds more than a profile and a little beside it */
export function checkMemberContent(content: JsonObject): void {
  const profile = profileInRooms(content)
  const rest = Object.fromEntries(Object.entries(content).filter(([key]) => !Object.hasOwn(profile, key)))
  const length = new TextEncoder().encode(JSON.stringify(rest)).length
  if (length <= MAX_ADDED) return
  throw new MatrixError(
    'M_TOO_LARGE',
    `A membership may hold ${MAX_ADDED} bytes beside the name and the avatar; this one has ${length}`,
  )
}
