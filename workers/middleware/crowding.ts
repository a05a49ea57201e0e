/**
 * How many requests this isolate has under way. Beyond what it can do in a moment it refuses the newest, the least
 * urgent first, so that those that were let in are answered in time.
 */
import type { Context } from 'hono'
import { MatrixError } from '../../src/protocol/errors.ts'
import { type AppContext, portsIn } from '../app-env.ts'
import { requestedRow } from './endpoint-row.ts'
import type { RateClass } from './rates.ts'
import { UnderWay } from './under-way.ts'

/** When one that is refused may ask again, ms; others are told up to twice that, so that they do not come together. */
const AGAIN_MS = 1_000

/** Requests under way from which on a class is refused. What waits by nature is neither counted nor refused. */
const MOST: Record<RateClass | 'free', number | 'waits'> = {
  free: 'waits',
  sync: 'waits',
  upload: 'waits',
  download: 'waits',
  rendezvous: 'waits',
  preview: 100,
  thumbnail: 100,
  picture: 100,
  search: 100,
  write: 300,
  report: 300,
  openId: 300,
  reservation: 300,
  read: 400,
  invite: 400,
  join: 500,
  federation: 400,
  keys: 500,
  keyTargets: 500,
  toDevice: 600,
  entry: 600,
  message: 800,
}

const underWay = new UnderWay()

/**
 * Lets a request in. Answers what its end is told by.
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
export function letIn(c: AppContext): () => void {
  const most = MOST[requestedRow(c as unknown as Context)?.limit ?? 'read']
  if (most === 'waits') return () => undefined
  const now = portsIn(c).clock.now()
  const count = underWay.count(now)
  if (count >= most) {
    const retryAfter = AGAIN_MS + ((count * 37) % AGAIN_MS)
    throw new MatrixError('M_LIMIT_EXCEEDED', 'The server is busy: try again in a moment', {
      extra: { retry_after_ms: retryAfter },
    })
  }
  return underWay.begin(now)
}
