/** The index of media made again from what is kept: for what came while Postgres was away, or an index that is lost. */
import type { Ports } from '../ports/ports.ts'

/** Some hashes have to be worked out from the bytes. */
const PAGE = 100

/**
 * Puts the next uploads into the index that it lacks, whatever their owner's quota.
 * @param after where the call before stopped
 * @returns how many were lacking, and where to go on; no `next`: that is all
 */
export async function indexAgain(
  { media, mediaIndex }: Pick<Ports, 'media' | 'mediaIndex'>,
  after?: string,
): Promise<{ added: number; next?: string }> {
  const { uploads, next } = await media.list(PAGE, after)
  const added = uploads.length === 0 ? 0 : await mediaIndex.addMissing(uploads)
  return { added, ...(next !== undefined && { next }) }
}
