/** One object from one store to another: it is there when what was read back has the hash of what was sent. */
import { createHash } from 'node:crypto'
import type { Bucket, BucketObject } from '../../ports/bucket.ts'
import { HashedStream } from './incoming.ts'
import { bytesKey, hashKey } from './keys.ts'

export type CopyOutcome = { kind: 'copied'; bytes: number } | { kind: 'there' | 'gone' } | Failed

export interface Failed {
  kind: 'failed'
  reason: string
}

/** Copies what is under a key, unless it is there. A failed copy is removed. */
export async function copyObject(source: Bucket, target: Bucket, key: string): Promise<CopyOutcome> {
  const [object, other] = await Promise.all([source.head(key), target.head(key)])
  if (object === undefined) return { kind: 'gone' }
  if (other !== undefined) {
    return other.size === object.size ? { kind: 'there' } : failed('another object is there under this key')
  }
  const body = await source.read(key)
  if (body === undefined) return { kind: 'gone' }
  const incoming = new HashedStream(body, object.size)
  const created = object.custom.created_at ?? String(object.modified)
  const tags = { ...object, custom: { ...object.custom, created_at: created } }
  if (!(await target.put(key, await sendable(incoming), tags, 'absent'))) return { kind: 'there' }
  const sha256 = incoming.sha256()
  const problem = await checked({ source, target, object }, sha256)
  if (problem !== undefined) {
    await target.remove([key])
    return problem
  }
  return { kind: 'copied', bytes: object.size }
}

/** Removes the source of a copy, after both were read once more. */
export async function deleteSource(source: Bucket, target: Bucket, key: string): Promise<'deleted' | Failed> {
  const [here, there] = [await sha256In(source, key), await sha256In(target, key)]
  if (there === undefined) return failed('it is not in the other store')
  if (here !== undefined && here !== there) return failed('its bytes are others in the other store')
  await source.remove([key])
  return 'deleted'
}

/** What has no bytes, or few, goes in one piece: not every store takes a stream of none. */
async function sendable(incoming: HashedStream): Promise<HashedStream | Uint8Array> {
  if (incoming.length > SMALL) return incoming
  return new Uint8Array(await new Response(incoming.stream).arrayBuffer())
}

const SMALL = 1024 * 1024

async function checked(
  { source, target, object }: { source: Bucket; target: Bucket; object: BucketObject },
  sha256: string,
): Promise<Failed | { kind: 'gone' } | undefined> {
  const known = await knownHash(source, object)
  if (known !== undefined && known !== sha256)
    return failed('it is not what was uploaded: its hash is another')
  if ((await sha256In(target, object.key)) !== sha256)
    return failed('what was read back is not what was sent')
  // Removed meanwhile, by somebody who could not know of the copy.
  return (await source.head(object.key)) === undefined ? { kind: 'gone' } : undefined
}

/** As it was kept when the bytes came; of thumbnails and the like nobody keeps one. */
async function knownHash(source: Bucket, { key, custom }: BucketObject): Promise<string | undefined> {
  if (custom.sha256 !== undefined) return custom.sha256
  const prefix = bytesKey('')
  if (!key.startsWith(prefix)) return undefined
  const beside = await source.read(hashKey(key.slice(prefix.length)))
  return beside && new Response(beside).text()
}

async function sha256In(bucket: Bucket, key: string): Promise<string | undefined> {
  const body = await bucket.read(key)
  if (body === undefined) return undefined
  const hash = createHash('sha256')
  for await (const chunk of body) hash.update(chunk)
  return hash.digest('hex')
}

function failed(reason: string): Failed {
  return { kind: 'failed', reason }
}
