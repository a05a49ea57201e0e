/** What decoding one picture costs, counted as it goes on, and what it may cost. */
import { isDecodable } from '../../src/media/picture-limits.ts'
import type { PictureWork } from '../../src/ports/media.ts'
import { TooLarge } from './picture.ts'

export interface Work {
  /** Counts a picture, or a frame of one, before it is decoded. @throws TooLarge */
  open(size: { width: number; height: number }): void
  /** Counts one scan of a JPEG. */
  scan(): void
  done(): PictureWork
}

export function countWork(): Work {
  const work: PictureWork = { pixels: 0, scans: 0 }
  return {
    open(size) {
      if (!isDecodable(size)) throw new TooLarge('too many pixels')
      work.pixels += size.width * size.height
    },
    scan() {
      work.scans += 1
    },
    done: () => work,
  }
}
