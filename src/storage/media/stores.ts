/** The stores of media that an operator has set up: R2 by its binding, an S3 and a Kubo by their settings. */
import { type Bucket, MEDIA_STORES, type MediaBuckets } from '../../ports/bucket.ts'
import type { Config } from '../../ports/config.ts'
import type { Logger } from '../../ports/log.ts'
import type { CallCounters, Clock } from '../../ports/system.ts'
import type { Sql } from '../postgres/client.ts'
import { postgresIpfsObjects } from '../postgres/ipfs-objects.ts'
import { guarded } from './guarded.ts'
import { ipfsBucket } from './ipfs/ipfs.ts'
import { kuboAt } from './ipfs/kubo.ts'
import { ipfsProblem } from './ipfs/problem.ts'
import { layered } from './layered.ts'
import { r2Bucket } from './r2.ts'
import { countedR2 } from './r2-calls.ts'
import { s3Client } from './s3/client.ts'
import { s3Problem } from './s3/problem.ts'
import { s3Bucket } from './s3/s3.ts'

export interface StoreParts {
  config: Pick<Config, 's3' | 'ipfs'>
  r2: R2Bucket | undefined
  /** How an S3 and a Kubo are reached. */
  send: typeof fetch
  sql: Sql
  calls: CallCounters
  clock: Clock
  log: Logger
}

export function mediaBuckets({ config, r2, send, sql, calls, clock, log }: StoreParts): MediaBuckets {
  const buckets: MediaBuckets = {}
  if (r2 !== undefined) {
    const bucket = guarded(r2Bucket(countedR2(r2, calls)), log)
    buckets.r2 = { ...bucket, ping: () => bucket.head('health'), problem: async () => undefined }
  }
  const { s3, ipfs } = config
  if (s3 !== undefined) {
    const bucket = s3Bucket(s3Client(s3, send, calls))
    buckets.s3 = {
      ...guarded(bucket, log),
      ping: () => bucket.head('health'),
      problem: () => s3Problem(s3, bucket),
    }
  }
  if (ipfs !== undefined) {
    const kubo = kuboAt(ipfs, send, calls)
    const bucket = ipfsBucket({ kubo, objects: postgresIpfsObjects(sql), clock, log })
    buckets.ipfs = { ...guarded(bucket, log), ping: kubo.version, problem: () => ipfsProblem(ipfs, kubo) }
  }
  return buckets
}

/** The store that is written, with the others behind it, which are read. @throws Error where it is not set up */
export function chosenBucket({ mediaStore }: Pick<Config, 'mediaStore'>, buckets: MediaBuckets): Bucket {
  const first = buckets[mediaStore]
  if (first === undefined)
    throw new Error('configuration: MEDIA_STORE: r2 needs the binding MEDIA of a bucket')
  const others = MEDIA_STORES.filter((name) => name !== mediaStore).flatMap((name) => buckets[name] ?? [])
  return layered(first, others)
}
