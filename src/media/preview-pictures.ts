/** How many pictures of previews are kept: the newest, of each user and in all, since anybody may have one made of any site. */
import type { Config } from '../ports/config.ts'
import type { Ports } from '../ports/ports.ts'
import { fromIndex } from './quota.ts'

type PicturePorts = Pick<Ports, 'media' | 'previewPictures' | 'config' | 'clock' | 'log'>

/** Pictures, however small. */
const MOST_EACH = 10_000
const MOST_IN_ALL = 100_000

/**
 * Counts a picture for the user whose preview found it, and removes the oldest ones that have no room beside it. While
 * Postgres is away nothing is counted.
 */
export async function countPicture(
  { media, previewPictures, config, clock, log }: PicturePorts,
  picture: { mediaId: string; owner: string; size: number },
): Promise<void> {
  const surplus = await fromIndex(previewPictures.keep(picture, boundsOf(config), clock.now()), log)
  for (const mediaId of surplus ?? []) await media.remove(mediaId)
}

/** The largest picture that there is room for, bytes. */
export function largestPicture({ maxPreviewBytesPerUser, maxPreviewBytes }: Config): number {
  return Math.min(bound(maxPreviewBytesPerUser), bound(maxPreviewBytes))
}

function boundsOf({ maxPreviewBytesPerUser, maxPreviewBytes }: Config) {
  return {
    each: { bytes: bound(maxPreviewBytesPerUser), count: MOST_EACH },
    all: { bytes: bound(maxPreviewBytes), count: MOST_IN_ALL },
  }
}

function bound(bytes: number): number {
  return bytes === 0 ? Number.MAX_SAFE_INTEGER : bytes
}
