/** What one user may upload in sum. Postgres counts it; while Postgres is away, uploads do not wait for it. */

import { patiently } from '../patience.ts'
import type { MediaFacts, WrittenMedia } from '../ports/media.ts'
import type { Ports } from '../ports/ports.ts'
import { MatrixError } from '../protocol/errors.ts'

type QuotaPorts = Pick<Ports, 'mediaIndex' | 'media' | 'config' | 'clock' | 'log'>

/** A database that does not answer in this time is away. */
const PATIENCE_MS = 3_000

/**
 * Refuses an upload that cannot fit, before it is read.
 * @param length bytes, where the sender has said how many there will be
 * @throws MatrixError M_FORBIDDEN
 */
export async function requireRoom(
  { mediaIndex, config, log }: QuotaPorts,
  owner: string,
  length = 1,
): Promise<void> {
  const quota = config.maxMediaBytesPerUser
  if (quota === 0) return
  const used = await fromIndex(mediaIndex.used(owner), log)
  if (used !== undefined && used + length > quota) throw spent(quota)
}

/**
 * Puts the stored upload into the index and counts it. If it no longer fits it is removed. What comes while Postgres is
 * away is not counted.
 * @throws MatrixError M_FORBIDDEN
 */
export async function enter(
  { mediaIndex, media, config, clock, log }: QuotaPorts,
  mediaId: string,
  facts: MediaFacts,
  written: WrittenMedia,
): Promise<void> {
  const quota = config.maxMediaBytesPerUser
  const bound = quota === 0 ? Number.MAX_SAFE_INTEGER : quota
  const entry = { mediaId, ...facts, ...written }
  const fits = await fromIndex(mediaIndex.add(entry, bound, clock.now()), log)
  if (fits !== false) return
  await media.remove(mediaId)
  throw spent(quota)
}

/** What the index of media answers, or undefined where it does not in time. */
export async function fromIndex<T>(asked: Promise<T>, log: Ports['log']): Promise<T | undefined> {
  const answer = await patiently(
    PATIENCE_MS,
    asked.catch(() => undefined),
  )
  if (answer === undefined) log.warn('the index of media is not available')
  return answer
}

/** There is no page to send people to, so M_USER_LIMIT_EXCEEDED, which "must" name one, is not for this. */
function spent(quota: number): MatrixError {
  return new MatrixError(
    'M_FORBIDDEN',
    `A user may upload ${quota} bytes in all, and this upload would be more`,
  )
}
