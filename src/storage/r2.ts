/** Media in R2. The bytes and what is known of them are one object: there is no second place that could differ. */
import type { ByteRange, MediaFacts, MediaStore, Reservation, StoredMedia } from '../ports.ts'

/** All parts of a multipart upload but the last have one size, of 5 MiB at least. */
const PART_BYTES = 8 * 1024 * 1024

/** Who is cut off while still sending may never read why: what is too large is heard out, up to so many limits. */
const HEARD_OUT = 2

const bytesKey = (mediaId: string) => `media/${mediaId}`
const reservationKey = (mediaId: string) => `reserved/${mediaId}`
const thumbnailKey = (mediaId: string, name: string) => `thumbnails/${mediaId}/${name}`
/** "If there is none yet", checked by R2 itself. */
const IF_NEW = { etagDoesNotMatch: '*' }

export function r2Media(bucket: R2Bucket): MediaStore {
  return {
    async put(mediaId, facts, { body, length, limit }) {
      if (length !== undefined && length > limit) {
        if (body !== null) await drain(body, HEARD_OUT * limit)
        return 'too_large'
      }
      const key = bytesKey(mediaId)
      if (body === null) return putWhole(bucket, key, facts, new Uint8Array(0))
      if (length !== undefined) return putWhole(bucket, key, facts, body)
      return putCounted(bucket, key, facts, body, limit)
    },
    async find(mediaId) {
      const object = await bucket.head(bytesKey(mediaId))
      return object === null ? undefined : storedMedia(object)
    },
    async read(mediaId, range) {
      return readPart(bucket, bytesKey(mediaId), range)
    },
    async reserve(mediaId, { owner, expiresAt }) {
      const customMetadata = { owner: encodeURIComponent(owner), expires_at: String(expiresAt) }
      await bucket.put(reservationKey(mediaId), new Uint8Array(0), { customMetadata })
    },
    async reservation(mediaId): Promise<Reservation | undefined> {
      const object = await bucket.head(reservationKey(mediaId))
      const { owner, expires_at: expires } = object?.customMetadata ?? {}
      return owner === undefined
        ? undefined
        : { owner: decodeURIComponent(owner), expiresAt: Number(expires) }
    },
    async thumbnail(mediaId, name) {
      const key = thumbnailKey(mediaId, name)
      const object = await bucket.head(key)
      if (object === null) return undefined
      const { contentType, size, etag } = storedMedia(object)
      return { contentType, size, etag, read: (range) => readPart(bucket, key, range) }
    },
    async putThumbnail(mediaId, name, { contentType, bytes }) {
      await bucket.put(thumbnailKey(mediaId, name), bytes, { httpMetadata: { contentType } })
    },
    async release(mediaId) {
      await bucket.delete(reservationKey(mediaId))
    },
  }
}

async function readPart(bucket: R2Bucket, key: string, range: ByteRange | undefined) {
  const object = await bucket.get(key, range === undefined ? {} : { range })
  return object === null ? undefined : object.body
}

function metadataOf({ owner, contentType, fileName }: MediaFacts) {
  // Metadata travel as headers, which hold no other characters.
  const customMetadata: Record<string, string> = { owner: encodeURIComponent(owner) }
  if (fileName !== undefined) customMetadata.name = encodeURIComponent(fileName)
  return { httpMetadata: { contentType }, customMetadata }
}

function storedMedia({ size, httpEtag, httpMetadata, customMetadata = {} }: R2Object): StoredMedia {
  const media: StoredMedia = {
    owner: decodeURIComponent(customMetadata.owner ?? ''),
    contentType: httpMetadata?.contentType ?? 'application/octet-stream',
    size,
    etag: httpEtag,
  }
  if (customMetadata.name !== undefined) media.fileName = decodeURIComponent(customMetadata.name)
  return media
}

async function putWhole(
  bucket: R2Bucket,
  key: string,
  facts: MediaFacts,
  body: ReadableStream<Uint8Array> | Uint8Array,
): Promise<'stored' | 'exists'> {
  const object = await bucket.put(key, body, { ...metadataOf(facts), onlyIf: IF_NEW })
  return object === null ? 'exists' : 'stored'
}

/** A stream of unknown length, in parts: never more than two of them are in memory. */
async function putCounted(
  bucket: R2Bucket,
  key: string,
  facts: MediaFacts,
  body: ReadableStream<Uint8Array>,
  limit: number,
): Promise<'stored' | 'exists' | 'too_large'> {
  const parts = inParts(body, limit)
  const first = await parts.next()
  if (first.value === undefined) return 'too_large'
  if (first.value.byteLength < PART_BYTES) return putWhole(bucket, key, facts, first.value)
  if ((await bucket.head(key)) !== null) return 'exists'
  const upload = await bucket.createMultipartUpload(key, metadataOf(facts))
  try {
    const uploaded = [await upload.uploadPart(1, first.value)]
    for await (const part of parts) {
      if (part === undefined) {
        await upload.abort()
        return 'too_large'
      }
      if (part.byteLength > 0) uploaded.push(await upload.uploadPart(uploaded.length + 1, part))
    }
    await upload.complete(uploaded)
    return 'stored'
  } catch (error) {
    await upload.abort().catch(() => undefined)
    throw error
  }
}

/** Parts of one size, the last one shorter, perhaps empty; ends with undefined where there is more than `limit`. */
async function* inParts(
  body: ReadableStream<Uint8Array>,
  limit: number,
): AsyncGenerator<Uint8Array | undefined, undefined> {
  let part = new Uint8Array(PART_BYTES)
  let filled = 0
  let total = 0
  for await (const chunk of body) {
    total += chunk.byteLength
    if (total > HEARD_OUT * limit) break
    if (total > limit) continue
    for (let taken = 0; taken < chunk.byteLength; ) {
      const piece = chunk.subarray(taken, taken + PART_BYTES - filled)
      part.set(piece, filled)
      filled += piece.byteLength
      taken += piece.byteLength
      if (filled < PART_BYTES) continue
      yield part
      part = new Uint8Array(PART_BYTES)
      filled = 0
    }
  }
  yield total > limit ? undefined : part.subarray(0, filled)
  return undefined
}

/** Reads what nobody wants, up to `most` bytes. */
async function drain(body: ReadableStream<Uint8Array>, most: number): Promise<void> {
  let read = 0
  for await (const chunk of body) {
    read += chunk.byteLength
    if (read > most) break
  }
}
