/** Asks before an invite whether its target wants it: Client-Server API §Invite permission. */
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { UserContext } from '../../app-env.ts'

/** Whether the target takes invites from the requester. An ignored invite is sent, and not shown. */
export async function takesInvites(c: UserContext, target: string): Promise<boolean> {
  const { objects, requester } = c.var
  return (await objects.user(target).invitePermission(requester.userId)) !== 'block'
}

/** @throws MatrixError M_INVITE_BLOCKED */
export async function requireTakesInvites(c: UserContext, target: string): Promise<void> {
  if (await takesInvites(c, target)) return
  throw new MatrixError('M_INVITE_BLOCKED', `${target} does not want this invite`)
}
