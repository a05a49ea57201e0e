/** Asks before an invite whether its target wants it: Client-Server API §Invite permission. */
import type { Context } from 'hono'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { AppEnv } from '../../app-env.ts'

/** Whether the target takes invites from the one who asks. What they ignore is sent, and shown to nobody. */
export async function takesInvites(c: Context<AppEnv>, target: string): Promise<boolean> {
  const { objects, session } = c.var
  return (await objects.user(target).invitePermission(session.userId)) !== 'block'
}

/** @throws MatrixError M_INVITE_BLOCKED */
export async function requireTakesInvites(c: Context<AppEnv>, target: string): Promise<void> {
  if (await takesInvites(c, target)) return
  throw new MatrixError('M_INVITE_BLOCKED', `${target} does not want this invite`)
}
