/** Media in a bucket of S3, Amazon's own or any server that speaks its protocol. */
import {
  type Bucket,
  type BucketObject,
  type Incoming,
  type OnlyIf,
  PART_BYTES,
  type Tags,
} from '../../../ports/bucket.ts'
import type { ByteRange } from '../../../ports/media.ts'
import { StoreAway, StoreRefused } from '../failures.ts'
import { inParts } from '../incoming.ts'
import { inPace } from '../pace.ts'
import { someAtATime } from '../some-at-a-time.ts'
import type { S3Client } from './client.ts'
import { completion, errorCodeIn, textIn, textsIn } from './xml.ts'

const META = 'x-amz-meta-'
/** A type that is no ASCII travels as metadata. */
const TYPE_TAG = 'type'
const UNKNOWN_TYPE = 'application/octet-stream'

export function s3Bucket(client: S3Client): Bucket {
  const head = async (key: string) => {
    const answer = await client.ask({ method: 'HEAD', key })
    return answer.status === 404 ? undefined : objectOf(key, answer.headers)
  }
  const sizeOf = async (key: string) => (await head(key))?.size ?? 0
  return {
    head,
    async read(key, range) {
      const headers = range && { range: `bytes=${range.offset}-${lastOf(range)}` }
      const answer = await client.ask({ method: 'GET', key, headers })
      if (answer.status === 404) return undefined
      const told = answer.headers.get('content-length')
      const problem = range && otherThan(range, answer)
      if (problem !== undefined) {
        await answer.body?.cancel()
        throw new StoreRefused(problem)
      }
      return inPace(answer.body, range?.length ?? (told === null ? await sizeOf(key) : Number(told)))
    },
    async put(key, content, tags, onlyIf) {
      if (!(content instanceof Uint8Array)) return putStream(client, key, content, tags, onlyIf)
      const headers = { ...headersOf(tags), ...conditionOf(onlyIf) }
      return isWritten((await client.ask({ method: 'PUT', key, headers, body: content })).status)
    },
    async putParts(key, parts, tags) {
      if ((await head(key)) !== undefined) return false
      return putParts(client, key, parts, tags)
    },
    async remove(keys) {
      // One by one: what removes many at once wants a checksum of a kind that depends on the server.
      await someAtATime(keys, (key) => client.ask({ method: 'DELETE', key }))
    },
    async list(prefix, limit, after) {
      const query: Record<string, string> = { 'list-type': '2', prefix, 'max-keys': String(limit) }
      if (after !== undefined) query['start-after'] = after
      const { text } = await client.askText({ method: 'GET', query })
      const keys = textsIn(text, 'Key')
      const next = textIn(text, 'IsTruncated') === 'true' ? keys.at(-1) : undefined
      return next === undefined ? { keys } : { keys, next }
    },
  }
}

const lastOf = ({ offset, length }: ByteRange) => offset + length - 1

/** A proxy between may know nothing of ranges, or hold half of an object: a client would take what comes for all. */
function otherThan(range: ByteRange, { status, headers }: Response): string | undefined {
  const told = headers.get('content-length')
  // Who knows nothing of ranges gives the whole object, which may be what was asked for.
  if (status === 200 && range.offset === 0 && Number(told) === range.length) return undefined
  if (status !== 206) return 'NoRanges'
  if (headers.get('content-range')?.startsWith(`bytes ${range.offset}-${lastOf(range)}/`) !== true)
    return 'OtherRange'
  return told !== null && Number(told) !== range.length ? 'OtherLength' : undefined
}

function objectOf(key: string, headers: Headers): BucketObject {
  const custom: Record<string, string> = {}
  for (const [name, value] of headers) {
    if (name.startsWith(META)) custom[name.slice(META.length).replaceAll('-', '_')] = value
  }
  const { [TYPE_TAG]: type, ...others } = custom
  return {
    key,
    size: Number(headers.get('content-length')),
    etag: headers.get('etag') ?? '',
    modified: Date.parse(headers.get('last-modified') ?? '') || 0,
    contentType:
      type === undefined ? (headers.get('content-type') ?? UNKNOWN_TYPE) : decodeURIComponent(type),
    custom: others,
  }
}

function headersOf({ contentType = UNKNOWN_TYPE, custom }: Tags): Record<string, string> {
  const isPlain = /^[\x20-\x7e]*$/.test(contentType)
  const tags = isPlain ? custom : { ...custom, [TYPE_TAG]: encodeURIComponent(contentType) }
  // Proxies drop headers that have an underscore in their name.
  const named = Object.entries(tags).map(([name, value]) => [META + name.replaceAll('_', '-'), value])
  return { ...Object.fromEntries(named), 'content-type': isPlain ? contentType : UNKNOWN_TYPE }
}

function conditionOf(onlyIf: OnlyIf | undefined): Record<string, string> {
  if (onlyIf === undefined) return {}
  return onlyIf === 'absent' ? { 'if-none-match': '*' } : { 'if-match': onlyIf.etag }
}

/** What a write under a condition came to: another object is there, none is, or one is being written now. */
function isWritten(status: number): boolean {
  return status < 300
}

/**
 * A stream goes in parts, each signed with its hash: servers were found that keep the beginning of one that broke off, and
 * what is put together at the end is whole or not there.
 */
async function putStream(
  client: S3Client,
  key: string,
  { stream, length }: Incoming,
  tags: Tags,
  onlyIf: OnlyIf | undefined,
): Promise<boolean> {
  if (length > PART_BYTES) return putParts(client, key, inParts(stream, length), tags)
  const body = new Uint8Array(await new Response(stream).arrayBuffer())
  const headers = { ...headersOf(tags), ...conditionOf(onlyIf) }
  return isWritten((await client.ask({ method: 'PUT', key, headers, body })).status)
}

async function putParts(
  client: S3Client,
  key: string,
  parts: AsyncIterable<Uint8Array>,
  tags: Tags,
): Promise<boolean> {
  const begun = await client.askText({
    method: 'POST',
    key,
    query: { uploads: '' },
    headers: headersOf(tags),
  })
  const uploadId = textIn(begun.text, 'UploadId')
  if (uploadId === undefined) throw new StoreRefused('NoUploadId')
  const etags: string[] = []
  try {
    for await (const body of parts) {
      if (body.byteLength === 0) continue
      const query = { partNumber: String(etags.length + 1), uploadId }
      const answer = await client.ask({ method: 'PUT', key, query, body, slow: true })
      const etag = answer.headers.get('etag')
      if (!isWritten(answer.status) || etag === null) throw new StoreRefused('NoPart')
      etags.push(etag)
    }
    const body = completion(etags)
    const headers = { 'content-type': 'application/xml', ...conditionOf('absent') }
    const request = { method: 'POST', key, query: { uploadId }, headers, body, slow: true } as const
    const { status, text } = await client.askText(request)
    // "A 200 OK response can contain either a success or an error."
    const code = errorCodeIn(text)
    if (code !== undefined) throw new StoreAway(code)
    if (isWritten(status)) return true
  } catch (error) {
    await abandon(client, key, uploadId)
    throw error
  }
  await abandon(client, key, uploadId)
  return false
}

/** Its parts are billed until they are gone; a rule of the bucket's lifecycle takes those that this does not reach. */
async function abandon(client: S3Client, key: string, uploadId: string): Promise<void> {
  await client.ask({ method: 'DELETE', key, query: { uploadId } }).catch(() => undefined)
}
