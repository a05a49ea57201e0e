/** The stages of interactive authentication that we serve. */
import { MatrixError } from '../protocol/errors.ts'
import type { Stage } from './interactive-auth.ts'

const dummy: Stage = () => ({})

/** Client-Server API §Token-authenticated registration: its use is counted when the account is made. */
const registrationToken: Stage = async ({ token }, { accounts, clock }) => {
  if (typeof token !== 'string') throw new MatrixError('M_MISSING_PARAM', 'token is missing')
  if (await accounts.registrationTokenValid(token, clock.now())) return { registrationToken: token }
  throw new MatrixError('M_UNAUTHORIZED', 'The registration token is not valid')
}

export const registrationStages: Record<string, Stage> = {
  'm.login.dummy': dummy,
  'm.login.registration_token': registrationToken,
}
