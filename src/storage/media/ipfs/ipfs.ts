/**
 * Media in IPFS: the bytes in a Kubo, by their hash and pinned, and what they are called in Postgres. An object is there
 * once its row is, which is written after Kubo has pinned the bytes, and goes before they are unpinned: decision 30.
 */
import type { Bucket, Incoming, OnlyIf, Tags } from '../../../ports/bucket.ts'
import type { Logger } from '../../../ports/log.ts'
import type { Clock } from '../../../ports/system.ts'
import type { IpfsObjects, Pinned } from '../../postgres/ipfs-objects.ts'
import { inPace, streamOfParts } from '../pace.ts'
import type { Kubo } from './kubo.ts'

/** Pins that were left over and are let go beside the next removal. */
const MOST_UNPINNED = 50

interface Parts {
  kubo: Kubo
  objects: IpfsObjects
  clock: Clock
  log: Logger
}

export function ipfsBucket(parts: Parts): Bucket {
  const { kubo, objects, clock } = parts
  return {
    head: (key) => objects.find(key),
    async read(key, range) {
      const object = await objects.find(key)
      if (object === undefined) return undefined
      const { cid, size } = object
      return cid === undefined ? inPace(null, 0) : kubo.cat(cid, range ?? { offset: 0, length: size })
    },
    async put(key, content, tags, onlyIf) {
      const isBytes = content instanceof Uint8Array
      if (isBytes && content.byteLength === 0) return enter(parts, { key, tags, size: 0 }, onlyIf)
      // Before anything is sent: Postgres must be there, and a condition may be known not to hold.
      if (!holds(onlyIf, await objects.find(key))) return false
      const size = isBytes ? content.byteLength : content.length
      const pinned = await kubo.add(streamOf(content), size)
      return enterPinned(parts, { key, tags, size, pinned }, onlyIf)
    },
    async putParts(key, given, tags) {
      if ((await objects.find(key)) !== undefined) return false
      let size = 0
      const counted = (async function* () {
        for await (const part of given) {
          size += part.byteLength
          yield part
        }
      })()
      const pinned = await kubo.add(streamOfParts(counted), undefined)
      return enterPinned(parts, { key, tags, size, pinned }, 'absent')
    },
    async remove(keys) {
      if (keys.length === 0) return
      await objects.remove(keys, clock.now())
      await letGo(parts)
    },
    list: (prefix, limit, after) => objects.list(prefix, limit, after),
  }
}

interface Entry {
  key: string
  tags: Tags
  size: number
  pinned?: Pinned
}

async function enter(
  { objects, clock }: Parts,
  { key, tags, size, pinned }: Entry,
  onlyIf: OnlyIf | undefined,
): Promise<boolean> {
  // What is written is another state each time, also with the same bytes.
  const etag = `"${crypto.randomUUID()}"`
  return objects.put({ key, ...tags, ...pinned, size, etag }, onlyIf, clock.now())
}

/** As above. What is pinned and has no row after all is let go. */
async function enterPinned(parts: Parts, entry: Entry, onlyIf: OnlyIf | undefined): Promise<boolean> {
  // If Postgres fails here, the row may be there nevertheless: the pin stays, since lost bytes are worse than kept ones.
  const isEntered = await enter(parts, entry, onlyIf)
  if (!isEntered) await parts.kubo.unpin(entry.pinned!.pin).catch(() => undefined)
  else if (onlyIf !== 'absent') await letGo(parts)
  return isEntered
}

/** What Kubo does not let go now stands in Postgres, and goes with a later removal. */
async function letGo({ kubo, objects, log }: Parts): Promise<void> {
  const pins = await objects.unpins(MOST_UNPINNED)
  const gone: string[] = []
  try {
    for (const pin of pins) {
      await kubo.unpin(pin)
      gone.push(pin)
    }
  } catch {
    log.trouble('media store', 'pins of removed media are let go later', { left: pins.length - gone.length })
  }
  if (gone.length > 0) await objects.unpinned(gone)
}

function holds(onlyIf: OnlyIf | undefined, found: { etag: string } | undefined): boolean {
  if (onlyIf === undefined) return true
  return onlyIf === 'absent' ? found === undefined : found?.etag === onlyIf.etag
}

function streamOf(content: Uint8Array | Incoming): ReadableStream<Uint8Array> {
  if (!(content instanceof Uint8Array)) return content.stream
  return new Blob([content as Uint8Array<ArrayBuffer>]).stream()
}
