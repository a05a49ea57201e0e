/** Lets those pass who watch over the server without a look at their account. */
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppContext } from '../app-env.ts'
import { mayReadUnasked } from '../middleware/metrics-reader.ts'
import { bearerToken, isOperator } from '../middleware/operator.ts'

/**
 * Lets pass what may read metrics. An administrator's session does not count here: to look its account up would wake the
 * database that is to be spared.
 * @throws MatrixError M_MISSING_TOKEN, M_UNKNOWN_TOKEN
 */
export async function requireMonitor(c: AppContext): Promise<void> {
  if (mayReadUnasked(c)) return
  if (bearerToken(c) === undefined) {
    throw new MatrixError(
      'M_MISSING_TOKEN',
      'The deep check needs the token of METRICS_TOKEN, as a bearer token',
    )
  }
  if (!(await isOperator(c))) throw new MatrixError('M_UNKNOWN_TOKEN', 'Unrecognised token')
}
