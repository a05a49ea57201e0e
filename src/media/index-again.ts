/** Makes the index of media again from what is stored, after Postgres was away or the index was lost. */
import type { Ports } from '../ports/ports.ts'

/** Some hashes have to be worked out from the bytes. */
const PAGE = 100

/**
 * Puts the next uploads that the index lacks into it, whatever their owner's quota.
 * @param after where the call before stopped
 * @returns how many were missing, and where to go on; without `next` that is all
 */
export async function indexAgain(
  { media, mediaIndex }: Pick<Ports, 'media' | 'mediaIndex'>,
  after?: string,
): Promise<{ added: number; next?: string }> {
  const { uploads, next } = await media.list(PAGE, after)
  const added = uploads.length === 0 ? 0 : await mediaIndex.addMissing(uploads)
  return { added, ...(next !== undefined && { next }) }
}
