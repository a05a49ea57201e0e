/** Inviting a user of another server: that server signs the invite before it is an event of the room. */
import { invitedBy } from '../../../../src/federation/membership/outgoing-invite.ts'
import { MatrixError } from '../../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { UserContext } from '../../../app-env.ts'

interface Invite {
  target: string
  reason?: string | undefined
  /** Further keys of the content. */
  content?: JsonObject
}

/** @throws MatrixError of the room, or what the other server says */
export async function inviteElsewhere(
  c: UserContext,
  roomId: string,
  { target, reason, content }: Invite,
): Promise<void> {
  const { objects, ports, requester } = c.var
  const room = objects.room(roomId)
  const prepared = await room.prepareInvite({
    sender: requester.userId,
    target,
    action: 'invite',
    ...(reason !== undefined && { reason }),
    ...(content !== undefined && { content }),
  })
  if (prepared === undefined) return
  const json = await invitedBy(target, { roomId, ...prepared }, ports)
  await room.appendInvite({ eventId: prepared.eventId, json, isRedacted: false })
}

/** Requests to other servers under way at once: what else the invocation asks for has room beside them. */
const AT_ONCE = 4

/** "It is possible for one of the invited users to be rejected whilst the room creation as a whole succeeds." */
export async function inviteAllElsewhere(
  c: UserContext,
  roomId: string,
  userIds: readonly string[],
  content: JsonObject,
): Promise<void> {
  const left = [...userIds]
  const worker = async () => {
    for (let target = left.shift(); target !== undefined; target = left.shift()) {
      await inviteElsewhere(c, roomId, { target, content }).catch(unlessRefused)
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, userIds.length) }, worker))
}

function unlessRefused(error: unknown): void {
  if (!(error instanceof MatrixError)) throw error
}
