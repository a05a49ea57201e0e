/** Signing in by the token of another system, for `/login` and for the first message of a stream. */
import type { SessionAnswer } from '../../../src/accounts/sessions.ts'
import { signInByToken } from '../../../src/accounts/tokens/sign-in.ts'
import type { Config } from '../../../src/ports/config.ts'
import type { AppContext } from '../../app-env.ts'
import { forgetSessions } from '../../middleware/access-token.ts'
import { clientAddress } from '../../middleware/client-address.ts'
import { guarded } from '../../middleware/guesses.ts'

/** What the device that signs in is to be called. */
export interface DeviceWishes {
  device_id?: string
  initial_device_display_name?: string
}

/** Whether the settings name a system whose tokens are taken. */
export const takesTokens = ({ tokenIssuers }: Config): boolean => tokenIssuers.length > 0

/** Signs the user of a token in. The device's former token is dead from then on. */
export async function beginByToken(
  c: AppContext,
  token: string,
  wishes: DeviceWishes,
): Promise<SessionAnswer> {
  const { ports, objects, requestId } = c.var
  const log = ports.log.with({ request_id: requestId })
  const answer = await guarded(c, { account: undefined, ofNobody: true }, () =>
    signInByToken({ ...ports, log }, objects.user, token, deviceOf(c, wishes)),
  )
  forgetSessions(answer.user_id, answer.device_id)
  return answer
}

/** The device of a login, with the address that it comes from. */
export function deviceOf(
  c: AppContext,
  { device_id: deviceId, initial_device_display_name: displayName }: DeviceWishes,
) {
  return { deviceId, displayName, address: clientAddress(c) }
}
