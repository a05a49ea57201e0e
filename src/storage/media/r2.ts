/** Media in R2, Cloudflare's own or miniflare's on one machine. */
import type {
  R2Bucket,
  R2Object,
  R2PutOptions,
  ReadableStream as R2Stream,
  R2UploadedPart,
} from '@cloudflare/workers-types'
import type { Bucket, BucketObject, Incoming, OnlyIf, Tags } from '../../ports/bucket.ts'
import { sending } from './pace.ts'

/** "If there is none yet", checked by R2 itself. */
const IF_NEW = { etagDoesNotMatch: '*' }
/** R2's own bound on a deletion. */
const MOST_DELETED = 1_000

export function r2Bucket(bucket: R2Bucket): Bucket {
  return {
    async head(key) {
      const object = await bucket.head(key)
      return object === null ? undefined : objectOf(object)
    },
    async read(key, range) {
      const object = await bucket.get(key, range === undefined ? {} : { range })
      return object === null ? undefined : (object.body as unknown as ReadableStream<Uint8Array>)
    },
    async put(key, content, tags, onlyIf) {
      const options = { ...metadataOf(tags), ...conditionOf(onlyIf) }
      return content instanceof Uint8Array
        ? (await bucket.put(key, content, options)) !== null
        : putStream(bucket, key, content, options)
    },
    putParts: (key, parts, tags) => putParts(bucket, key, parts, tags),
    async remove(keys) {
      for (let from = 0; from < keys.length; from += MOST_DELETED) {
        await bucket.delete(keys.slice(from, from + MOST_DELETED))
      }
    },
    async list(prefix, limit, after) {
      const page = await bucket.list({ prefix, limit, ...(after !== undefined && { startAfter: after }) })
      const keys = page.objects.map(({ key }) => key)
      const next = page.truncated ? keys.at(-1) : undefined
      return next === undefined ? { keys } : { keys, next }
    },
  }
}

function objectOf({ key, size, httpEtag, uploaded, httpMetadata, customMetadata }: R2Object): BucketObject {
  const object: BucketObject = {
    key,
    size,
    etag: httpEtag,
    modified: uploaded.getTime(),
    custom: customMetadata ?? {},
  }
  if (httpMetadata?.contentType !== undefined) object.contentType = httpMetadata.contentType
  return object
}

function metadataOf({ contentType, custom }: Tags): R2PutOptions {
  return { customMetadata: custom, ...(contentType !== undefined && { httpMetadata: { contentType } }) }
}

function conditionOf(onlyIf: OnlyIf | undefined): R2PutOptions {
  if (onlyIf === undefined) return {}
  // R2 wants the etag without its quotes.
  return { onlyIf: onlyIf === 'absent' ? IF_NEW : { etagMatches: onlyIf.etag.replaceAll('"', '') } }
}

async function putStream(
  bucket: R2Bucket,
  key: string,
  { stream, length }: Incoming,
  options: R2PutOptions,
): Promise<boolean> {
  // R2 takes a stream only where it knows how long it will be.
  const sized = sending(length)
  const stop = new AbortController()
  const pumped = stream.pipeTo(sized.writable, { signal: stop.signal })
  pumped.catch(() => undefined)
  // One stream, by the types of the platform and by those that tests in Node see.
  const object = await bucket.put(key, sized.readable as unknown as R2Stream, options)
  if (object === null) {
    stop.abort()
    return false
  }
  await pumped
  return true
}

async function putParts(
  bucket: R2Bucket,
  key: string,
  parts: AsyncIterable<Uint8Array>,
  tags: Tags,
): Promise<boolean> {
  if ((await bucket.head(key)) !== null) return false
  const upload = await bucket.createMultipartUpload(key, metadataOf(tags))
  try {
    const uploaded: R2UploadedPart[] = []
    for await (const part of parts) uploaded.push(await upload.uploadPart(uploaded.length + 1, part))
    // R2 replaces what is there. Claims keep two uploads of an id apart, unless one outlived its claim.
    if ((await bucket.head(key)) === null) {
      await upload.complete(uploaded)
      return true
    }
  } catch (error) {
    await upload.abort().catch(() => undefined)
    throw error
  }
  await upload.abort()
  return false
}
