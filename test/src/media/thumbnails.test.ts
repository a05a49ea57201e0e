/** What is asked for while the same is being made: over a store in memory, so that the making can be held. */
import { expect, it } from 'vitest'
import { type Asker, thumbnailOf } from '../../../src/media/thumbnails.ts'
import type {
  MediaStore,
  PictureFacts,
  StoredThumbnail,
  Thumbnail,
  Thumbnailer,
} from '../../../src/ports/media.ts'
import { systemClock } from '../../../src/system.ts'
import { halves, png, RED } from '../../support/media/images.ts'

const UPLOAD = png(200, 200, halves(200, RED, RED))
const PICTURE: Thumbnail = { contentType: 'image/jpeg', bytes: new Uint8Array([1, 2, 3]) }

/** A store that has one upload. */
function memoryStore(): MediaStore {
  const thumbnails = new Map<string, StoredThumbnail>()
  const facts = new Map<string, PictureFacts>()
  const streamOf = (bytes: Uint8Array) => new Blob([Buffer.from(bytes)]).stream()
  const store: Pick<MediaStore, 'whole' | 'thumbnail' | 'putThumbnail' | 'pictureFacts' | 'putPictureFacts'> =
    {
      whole: async () => UPLOAD,
      thumbnail: async (_, name) => thumbnails.get(name),
      async putThumbnail(_, name, { contentType, bytes }) {
        const read = async () => streamOf(bytes)
        thumbnails.set(name, { contentType, size: bytes.length, etag: name, modified: 0, read })
      },
      pictureFacts: async (mediaId) => facts.get(mediaId),
      async putPictureFacts(mediaId, found) {
        facts.set(mediaId, found)
      },
    }
  return store as MediaStore
}

it.each([
  ['one user', ['alice', 'alice', 'alice']],
  ['three users', ['alice', 'bob', 'carol']],
])('a thumbnail is made once for three requests of %s at the same time', async (_, names) => {
  let [made, waiting] = [0, 0]
  let go = () => {}
  const held = new Promise<void>((resolve) => {
    go = resolve
  })
  const thumbnailer: Thumbnailer = {
    async make() {
      made += 1
      await held
      return PICTURE
    },
  }
  const ports = { media: memoryStore(), thumbnailer, clock: systemClock }
  const asker = (name: string): Asker => ({
    name,
    // The last thing before the turn.
    pay() {
      waiting += 1
    },
  })
  const upload = { mediaId: 'upload', size: UPLOAD.length }
  const wish = { width: 32, height: 32, method: 'crop', animated: false } as const
  const all = names.map((name) => thumbnailOf(ports, upload, wish, asker(name)))
  await expect.poll(() => [made, waiting]).toEqual([1, names.length])
  go()
  for (const answer of await Promise.all(all)) expect(answer).toMatchObject({ contentType: 'image/jpeg' })
  expect(made).toBe(1)
})
