/** What was counted: by all isolates where their counts are gathered, else by this one. */
import type { Series } from '../../src/ports/metrics.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppContext } from '../app-env.ts'

/** @throws MatrixError M_UNKNOWN with 503: one isolate's own counts would look like a restart */
export async function countedBy(c: AppContext): Promise<readonly Series[]> {
  const { gathered, log, metrics } = c.var.ports
  if (gathered?.read === undefined) return metrics.all()
  try {
    return await gathered.read()
  } catch (error) {
    log.trouble('analytics', 'the sums of all isolates are not available', { error: String(error) })
    throw new MatrixError('M_UNKNOWN', 'Analytics Engine did not answer', { status: 503 })
  }
}
