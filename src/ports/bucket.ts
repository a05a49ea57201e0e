/** Where media lie as named bytes: one shape over R2, S3 and IPFS, so that all above it works alike on each. */
import type { ByteRange } from './media.ts'

export const MEDIA_STORES = ['r2', 's3', 'ipfs'] as const

export type MediaStoreName = (typeof MEDIA_STORES)[number]

/** What is kept with the bytes. All travel as headers, so the values are ASCII. */
export interface Tags {
  contentType?: string
  custom: Record<string, string>
}

export interface BucketObject extends Tags {
  key: string
  /** Bytes. */
  size: number
  /** A strong one, in its quotes. */
  etag: string
  /** ms since the epoch. */
  modified: number
}

/** Bytes that stream in, of a length that is known. */
export interface Incoming {
  stream: ReadableStream<Uint8Array>
  length: number
  /** Why the sender broke off, where it has: that is no fault of the store. */
  readonly failure: unknown
}

/** When alone a write is made: where there is nothing under the key, or what has this etag. */
export type OnlyIf = 'absent' | { etag: string }

export interface BucketPage {
  keys: string[]
  /** The key after which to go on; absent at the end. */
  next?: string
}

/** All writes are whole or not made: what ends early leaves nothing. Failures of the store are MatrixErrors. */
export interface Bucket {
  head(key: string): Promise<BucketObject | undefined>
  /** The bytes, or a part of them; undefined where there is nothing. */
  read(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>
  /** False, and nothing is written, where the condition does not hold. */
  put(key: string, content: Uint8Array | Incoming, tags: Tags, onlyIf?: OnlyIf): Promise<boolean>
  /**
   * Writes bytes of unknown length where there is nothing yet. What `parts` throws is thrown, and nothing is written.
   * @param parts of `PART_BYTES` each, but for the last
   */
  putParts(key: string, parts: AsyncIterable<Uint8Array>, tags: Tags): Promise<boolean>
  /** Also of keys under which there is nothing. */
  remove(keys: string[]): Promise<void>
  /** In the order of the keys, from the one after `after`. */
  list(prefix: string, limit: number, after?: string): Promise<BucketPage>
}

/** A store as the operator has set it up. */
export interface MediaBucket extends Bucket {
  /** Whether it answers: the cheapest question that it must answer itself. @throws where it does not */
  ping(): Promise<unknown>
  /** What is wrong with its settings, in one sentence for the operator; undefined: nothing. */
  problem(): Promise<string | undefined>
}

export type MediaBuckets = Partial<Record<MediaStoreName, MediaBucket>>

/** One step of a move to another store. */
export interface MoveStep {
  to: MediaStoreName
  /** Where the step before stopped. */
  after?: string
  /** Whether what is in the other store, and the same there, is removed where it was. */
  deleteSource: boolean
}

export interface MoveOutcome {
  /** Objects, and their bytes. */
  copied: number
  bytes: number
  /** Objects that were in the other store already. */
  there: number
  deleted: number
  /** What is not the same in both stores, or not what was uploaded: it stays where it is. */
  failed: { key: string; reason: string }[]
  /** Where to go on; absent at the end. */
  next?: string
}

export interface MediaMover {
  /** @throws MatrixError M_INVALID_PARAM where the store is not set up, or is not yet the one that is written */
  step(step: MoveStep): Promise<MoveOutcome>
}

/** All parts of a multipart upload but the last have one size, of 5 MiB at least. */
export const PART_BYTES = 8 * 1024 * 1024
