/** Media in R2. The bytes and what is known of them are one object, but for the hash of large ones: decision 8. */
import { createHash, type Hash } from 'node:crypto'
import type {
  ByteRange,
  MediaFacts,
  MediaStore,
  PictureFacts,
  StoredMedia,
  WrittenMedia,
} from '../ports/media.ts'
import { r2Reservations } from './r2-reservations.ts'

/** All parts of a multipart upload but the last have one size, of 5 MiB at least. */
const PART_BYTES = 8 * 1024 * 1024
/** What is not larger than this is hashed before it is written, so that the hash is stored with it: decision 8. */
const HASHED_FIRST_BYTES = 1024 * 1024

/**
 * A client that is cut off while it sends may never read the reason, so a body that is too large is read to its end, up
 * to this many limits.
 */
const HEARD_OUT = 2

const bytesKey = (mediaId: string) => `media/${mediaId}`
/** The SHA-256 of what was too large to be hashed before it was written. */
const hashKey = (mediaId: string) => `sha256/${mediaId}`
const thumbnailKey = (mediaId: string, name: string) => `thumbnails/${mediaId}/${name}`
/** The number goes up when more pictures can be read than before, so that each is looked at again. */
const factsKey = (mediaId: string) => thumbnailKey(mediaId, 'facts-1')
/** "If there is none yet", checked by R2 itself. */
const IF_NEW = { etagDoesNotMatch: '*' }

type Outcome = WrittenMedia | 'exists' | 'too_large'

export function r2Media(bucket: R2Bucket): MediaStore {
  return {
    ...r2Reservations(bucket),
    async put(mediaId, facts, { body, length, limit }) {
      if (length !== undefined && length > limit) {
        if (body !== null) await drain(body, HEARD_OUT * limit)
        return 'too_large'
      }
      const target = { bucket, mediaId, facts }
      if (body === null) return putBytes(target, new Uint8Array(0))
      if (length === undefined) return putCounted(target, body, limit)
      if (length > HASHED_FIRST_BYTES) return putStream(target, body, length)
      return putBytes(target, new Uint8Array(await new Response(body).arrayBuffer()))
    },
    async find(mediaId) {
      const object = await bucket.head(bytesKey(mediaId))
      return object === null ? undefined : storedMedia(object)
    },
    async read(mediaId, range) {
      return readPart(bucket, bytesKey(mediaId), range)
    },
    async thumbnail(mediaId, name) {
      const key = thumbnailKey(mediaId, name)
      const object = await bucket.head(key)
      if (object === null) return undefined
      const { contentType, size, etag, modified } = storedMedia(object)
      return { contentType, size, etag, modified, read: (range) => readPart(bucket, key, range) }
    },
    async putThumbnail(mediaId, name, { contentType, bytes }) {
      await bucket.put(thumbnailKey(mediaId, name), bytes, { httpMetadata: { contentType } })
    },
    async pictureFacts(mediaId) {
      const text = (await bucket.head(factsKey(mediaId)))?.customMetadata?.facts
      return text === undefined ? undefined : (JSON.parse(text) as PictureFacts)
    },
    async putPictureFacts(mediaId, facts) {
      const customMetadata = { facts: JSON.stringify(facts) }
      await bucket.put(factsKey(mediaId), new Uint8Array(0), { customMetadata })
    },
    async remove(mediaId) {
      const { objects } = await bucket.list({ prefix: thumbnailKey(mediaId, '') })
      await bucket.delete([bytesKey(mediaId), hashKey(mediaId), ...objects.map(({ key }) => key)])
    },
    async list(limit, after) {
      const page = await bucket.list({
        prefix: bytesKey(''),
        limit,
        include: ['httpMetadata', 'customMetadata'],
        ...(after !== undefined && { cursor: after }),
      })
      const uploads: Awaited<ReturnType<MediaStore['list']>>['uploads'] = []
      for (const object of page.objects) {
        const { etag: _, modified, ...facts } = storedMedia(object)
        // The server's own have no owner, and are not counted.
        if (facts.owner === '') continue
        const mediaId = object.key.slice(bytesKey('').length)
        const sha256 = object.customMetadata?.sha256 ?? (await hashBeside(bucket, mediaId))
        uploads.push({ mediaId, ...facts, sha256, createdTs: modified })
      }
      return page.truncated ? { uploads, next: page.cursor } : { uploads }
    },
  }
}

async function readPart(bucket: R2Bucket, key: string, range: ByteRange | undefined) {
  const object = await bucket.get(key, range === undefined ? {} : { range })
  return object === null ? undefined : object.body
}

interface Target {
  bucket: R2Bucket
  mediaId: string
  facts: MediaFacts
}

function metadataOf({ owner, contentType, fileName }: MediaFacts, sha256?: string) {
  // Metadata travel as headers, which hold no other characters.
  const customMetadata: Record<string, string> = { owner: encodeURIComponent(owner) }
  if (fileName !== undefined) customMetadata.name = encodeURIComponent(fileName)
  if (sha256 !== undefined) customMetadata.sha256 = sha256
  return { httpMetadata: { contentType }, customMetadata }
}

function storedMedia({ size, httpEtag, uploaded, httpMetadata, customMetadata = {} }: R2Object): StoredMedia {
  const media: StoredMedia = {
    owner: decodeURIComponent(customMetadata.owner ?? ''),
    contentType: httpMetadata?.contentType ?? 'application/octet-stream',
    size,
    etag: httpEtag,
    modified: uploaded.getTime(),
  }
  if (customMetadata.name !== undefined) media.fileName = decodeURIComponent(customMetadata.name)
  return media
}

async function putBytes({ bucket, mediaId, facts }: Target, bytes: Uint8Array): Promise<Outcome> {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const object = await bucket.put(bytesKey(mediaId), bytes, { ...metadataOf(facts, sha256), onlyIf: IF_NEW })
  return object === null ? 'exists' : { size: bytes.byteLength, sha256 }
}

/** A stream of known length, hashed on its way. */
async function putStream(
  { bucket, mediaId, facts }: Target,
  body: ReadableStream<Uint8Array>,
  length: number,
): Promise<Outcome> {
  const hash = createHash('sha256')
  // R2 takes a stream only where it knows how long it will be.
  const sized = new FixedLengthStream(length)
  const stop = new AbortController()
  const pumped = body.pipeThrough(hashing(hash)).pipeTo(sized.writable, { signal: stop.signal })
  pumped.catch(() => undefined)
  const object = await bucket.put(bytesKey(mediaId), sized.readable, { ...metadataOf(facts), onlyIf: IF_NEW })
  if (object === null) {
    stop.abort()
    return 'exists'
  }
  await pumped
  return withHash({ bucket, mediaId, facts }, object.size, hash)
}

function hashing(hash: Hash): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({
    transform(chunk, controller) {
      hash.update(chunk)
      controller.enqueue(chunk)
    },
  })
}

/** Writes the hash beside what could not carry it. */
async function withHash({ bucket, mediaId }: Target, size: number, hash: Hash): Promise<WrittenMedia> {
  const sha256 = hash.digest('hex')
  await bucket.put(hashKey(mediaId), sha256)
  return { size, sha256 }
}

/** The hash beside the bytes. It is worked out again if its write was cut off. */
async function hashBeside(bucket: R2Bucket, mediaId: string): Promise<string> {
  const known = await bucket.get(hashKey(mediaId))
  if (known !== null) return known.text()
  const hash = createHash('sha256')
  for await (const chunk of (await bucket.get(bytesKey(mediaId)))?.body ?? []) hash.update(chunk)
  const sha256 = hash.digest('hex')
  await bucket.put(hashKey(mediaId), sha256)
  return sha256
}

/** A stream of unknown length, in parts: never more than two of them are in memory. */
async function putCounted(target: Target, body: ReadableStream<Uint8Array>, limit: number): Promise<Outcome> {
  const { bucket, mediaId, facts } = target
  const key = bytesKey(mediaId)
  const parts = inParts(body, limit)
  const first = await parts.next()
  if (first.value === undefined) return 'too_large'
  if (first.value.byteLength < PART_BYTES) return putBytes(target, first.value)
  if ((await bucket.head(key)) !== null) return 'exists'
  const upload = await bucket.createMultipartUpload(key, metadataOf(facts))
  const hash = createHash('sha256').update(first.value)
  let size = first.value.byteLength
  try {
    const uploaded = [await upload.uploadPart(1, first.value)]
    for await (const part of parts) {
      if (part === undefined) {
        await upload.abort()
        return 'too_large'
      }
      if (part.byteLength === 0) continue
      hash.update(part)
      size += part.byteLength
      uploaded.push(await upload.uploadPart(uploaded.length + 1, part))
    }
    // R2 replaces what is there. Claims keep two uploads of an id apart, unless one outlived its claim.
    if ((await bucket.head(key)) !== null) {
      await upload.abort()
      return 'exists'
    }
    await upload.complete(uploaded)
  } catch (error) {
    await upload.abort().catch(() => undefined)
    throw error
  }
  return withHash(target, size, hash)
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
