/** Media over a bucket. The bytes and what is known of them are one object, but for the hash of large ones: decision 8. */
import { createHash } from 'node:crypto'
import type { Bucket, BucketObject, Tags } from '../../ports/bucket.ts'
import {
  type MediaFacts,
  type MediaStore,
  type PictureFacts,
  type StoredMedia,
  type WrittenMedia,
  wholeRange,
} from '../../ports/media.ts'
import { MatrixError } from '../../protocol/errors.ts'
import { drain, HashedParts, HashedStream, PastLimit } from './incoming.ts'
import { bytesKey, hashKey, thumbnailKey } from './keys.ts'
import { reservations } from './reservations.ts'
import { someAtATime } from './some-at-a-time.ts'

/** What is not larger than this is hashed before it is written, so that the hash is stored with it: decision 8. */
const HASHED_FIRST_BYTES = 1024 * 1024
/** R2 and S3 take no more than 5 GB at once; what is longer goes in parts. */
const MOST_AT_ONCE = 4_900_000_000
/** Characters of a name in percent-encoding. */
const LONG_NAME = 600
/** Of a bucket's list in one answer. */
const LISTED = 1_000

/** The number goes up when more pictures can be read than before, so that each is looked at again. */
const factsKey = (mediaId: string) => thumbnailKey(mediaId, 'facts-1')

type Outcome = WrittenMedia | 'exists' | 'too_large'

export function bucketMedia(bucket: Bucket): MediaStore {
  return {
    ...reservations(bucket),
    async put(mediaId, facts, { body, length, limit }) {
      if (length !== undefined && length > limit) {
        if (body !== null) await drain(body, limit)
        return 'too_large'
      }
      const target = { bucket, mediaId, facts }
      if (body === null) return putBytes(target, new Uint8Array(0))
      if (length === undefined || length > MOST_AT_ONCE) return putCounted(target, body, limit)
      if (length > HASHED_FIRST_BYTES) return putStream(target, body, length)
      return putBytes(target, new Uint8Array(await new Response(body).arrayBuffer()))
    },
    async find(mediaId) {
      const object = await bucket.head(bytesKey(mediaId))
      return object && storedMedia(object)
    },
    read: (mediaId, range) => bucket.read(bytesKey(mediaId), range),
    whole: (mediaId) => wholeOf(bucket, mediaId),
    async thumbnail(mediaId, name) {
      const key = thumbnailKey(mediaId, name)
      const object = await bucket.head(key)
      if (object === undefined) return undefined
      const { contentType, size, etag, modified } = storedMedia(object)
      return { contentType, size, etag, modified, read: (range) => bucket.read(key, range) }
    },
    async putThumbnail(mediaId, name, { contentType, bytes }) {
      await bucket.put(thumbnailKey(mediaId, name), bytes, { contentType, custom: {} })
    },
    async pictureFacts(mediaId) {
      const text = (await bucket.head(factsKey(mediaId)))?.custom.facts
      return text === undefined ? undefined : (JSON.parse(text) as PictureFacts)
    },
    async putPictureFacts(mediaId, facts) {
      await bucket.put(factsKey(mediaId), new Uint8Array(0), { custom: { facts: JSON.stringify(facts) } })
    },
    async remove(mediaId) {
      const { keys } = await bucket.list(thumbnailKey(mediaId, ''), LISTED)
      await bucket.remove([bytesKey(mediaId), hashKey(mediaId), ...keys])
    },
    list: (limit, after) => listUploads(bucket, limit, after),
  }
}

async function wholeOf(bucket: Bucket, mediaId: string): Promise<Uint8Array | undefined> {
  const object = await bucket.head(bytesKey(mediaId))
  const body = object && (await bucket.read(bytesKey(mediaId), wholeRange(object.size)))
  if (body === undefined) return undefined
  const bytes = new Uint8Array(await new Response(body).arrayBuffer().catch(brokenOff))
  const sha256 = object?.custom.sha256 ?? (await storedHash(bucket, mediaId))
  if (sha256 === undefined || sha256 === hashOf(bytes)) return bytes
  throw new MatrixError('M_UNKNOWN', 'The media store gave other bytes than were uploaded', { status: 502 })
}

function brokenOff(): never {
  throw new MatrixError('M_UNKNOWN', 'The media store broke off. Try again soon.', { status: 503 })
}

async function listUploads(bucket: Bucket, limit: number, after?: string) {
  const { keys, next } = await bucket.list(bytesKey(''), limit, after)
  const uploads: Awaited<ReturnType<MediaStore['list']>>['uploads'] = []
  for (const object of await someAtATime(keys, (key) => bucket.head(key))) {
    if (object === undefined) continue
    const { etag: _, modified, ...facts } = storedMedia(object)
    // The server's own have no owner, and are not counted.
    if (facts.owner === '') continue
    const mediaId = object.key.slice(bytesKey('').length)
    const sha256 = object.custom.sha256 ?? (await hashBeside(bucket, mediaId))
    uploads.push({ mediaId, ...facts, sha256, createdTs: modified })
  }
  return next === undefined ? { uploads } : { uploads, next }
}

interface Target {
  bucket: Bucket
  mediaId: string
  facts: MediaFacts
}

function tagsOf({ owner, contentType, fileName }: MediaFacts, sha256?: string): Tags {
  // Metadata travel as headers, which hold no other characters.
  const custom: Record<string, string> = { owner: encodeURIComponent(owner) }
  if (fileName !== undefined) Object.assign(custom, nameTag(fileName))
  if (sha256 !== undefined) custom.sha256 = sha256
  return { contentType, custom }
}

/** S3 takes 2 KB of metadata: a long name in another script is shorter in base64. */
function nameTag(fileName: string): { name: string } | { name64: string } {
  const name = encodeURIComponent(fileName.toWellFormed())
  return name.length <= LONG_NAME ? { name } : { name64: Buffer.from(fileName).toString('base64url') }
}

function storedMedia({ size, etag, modified, contentType, custom }: BucketObject): StoredMedia {
  const media: StoredMedia = {
    owner: decodeURIComponent(custom.owner ?? ''),
    contentType: contentType ?? 'application/octet-stream',
    size,
    etag,
    // A copy is as old as what it is a copy of.
    modified: custom.created_at === undefined ? modified : Number(custom.created_at),
  }
  if (custom.name !== undefined) media.fileName = decodeURIComponent(custom.name)
  if (custom.name64 !== undefined) media.fileName = Buffer.from(custom.name64, 'base64url').toString()
  return media
}

async function putBytes({ bucket, mediaId, facts }: Target, bytes: Uint8Array): Promise<Outcome> {
  const sha256 = hashOf(bytes)
  const isNew = await bucket.put(bytesKey(mediaId), bytes, tagsOf(facts, sha256), 'absent')
  return isNew ? { size: bytes.byteLength, sha256 } : 'exists'
}

/** A stream of known length. */
async function putStream(
  { bucket, mediaId, facts }: Target,
  body: ReadableStream<Uint8Array>,
  length: number,
): Promise<Outcome> {
  const incoming = new HashedStream(body, length)
  if (!(await bucket.put(bytesKey(mediaId), incoming, tagsOf(facts), 'absent'))) return 'exists'
  return withHash(bucket, mediaId, { size: length, sha256: incoming.sha256() })
}

/** A stream of unknown length. */
async function putCounted(target: Target, body: ReadableStream<Uint8Array>, limit: number): Promise<Outcome> {
  const { bucket, mediaId, facts } = target
  const parts = new HashedParts(body, limit)
  try {
    if (await parts.isOne()) return await putBytes(target, await parts.first())
    if (!(await bucket.putParts(bytesKey(mediaId), parts.all(), tagsOf(facts)))) return 'exists'
  } catch (error) {
    if (parts.failure instanceof PastLimit) return 'too_large'
    // The store's own words are about what it did not get.
    throw parts.failure ?? error
  }
  return withHash(bucket, mediaId, { size: parts.size, sha256: parts.sha256() })
}

/** Writes the hash beside what could not carry it. The bytes are there: without it, it is worked out from them. */
async function withHash(bucket: Bucket, mediaId: string, written: WrittenMedia): Promise<WrittenMedia> {
  await putHash(bucket, mediaId, written.sha256).catch(() => undefined)
  return written
}

async function putHash(bucket: Bucket, mediaId: string, sha256: string): Promise<void> {
  await bucket.put(hashKey(mediaId), new TextEncoder().encode(sha256), { custom: {} })
}

/** The hash beside the bytes. It is worked out again if its write was cut off. */
async function hashBeside(bucket: Bucket, mediaId: string): Promise<string> {
  const known = await storedHash(bucket, mediaId)
  if (known !== undefined) return known
  const hash = createHash('sha256')
  for await (const chunk of (await bucket.read(bytesKey(mediaId))) ?? []) hash.update(chunk)
  const sha256 = hash.digest('hex')
  await putHash(bucket, mediaId, sha256)
  return sha256
}

async function storedHash(bucket: Bucket, mediaId: string): Promise<string | undefined> {
  const text = await bucket.read(hashKey(mediaId))
  return text && new Response(text).text()
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
