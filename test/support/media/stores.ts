/** The store of media that a run of the tests is about: R2 unless `npm run test:stores` says another. */
import { randomUUID } from 'node:crypto'
import { inject } from 'vitest'
import type { Options } from '../../../local/options/options.ts'
import { mediaStoresOf } from '../../../src/media/store-settings.ts'
import type { Bucket } from '../../../src/ports/bucket.ts'
import type { Config } from '../../../src/ports/config.ts'
import { ipfsBucket } from '../../../src/storage/media/ipfs/ipfs.ts'
import { kuboAt } from '../../../src/storage/media/ipfs/kubo.ts'
import { r2Bucket } from '../../../src/storage/media/r2.ts'
import { s3Client } from '../../../src/storage/media/s3/client.ts'
import { s3Bucket } from '../../../src/storage/media/s3/s3.ts'
import { postgresIpfsObjects } from '../../../src/storage/postgres/ipfs-objects.ts'
import { systemClock } from '../../../src/system.ts'
import type { TestServer } from '../test-server.ts'

export type StoreOptions = Partial<Options>

/** Where the servers of a run of `npm run test:stores` are. */
export interface StoreServers {
  s3?: { endpoint: string; accessKeyId: string; secretAccessKey: string }
  ipfs?: { api: string; secret: string }
}

declare module 'vitest' {
  interface ProvidedContext {
    stores: StoreServers
  }
}

export const testedStore = (process.env.TEST_MEDIA_STORE ?? 'r2') as Config['mediaStore']

/** What is called in IPFS stands in Postgres, so that nothing goes without it. */
export const needsPostgres = testedStore === 'ipfs'

const calls = { count: () => undefined, snapshot: () => ({}) }
const log = new Proxy({} as never, { get: () => () => undefined })

/** The options of a server on that store, in a bucket of its own. */
export async function storeOptions(): Promise<StoreOptions> {
  if (testedStore === 's3') return { ...(await freshS3()), 'media-store': 's3' }
  return testedStore === 'ipfs' ? { ...kuboOptions(), 'media-store': 'ipfs' } : {}
}

/** An S3 with an empty bucket. */
export async function freshS3(): Promise<StoreOptions> {
  const { endpoint, accessKeyId, secretAccessKey } = inject('stores').s3!
  const bucket = `media-${randomUUID()}`
  const settings = { endpoint, bucket, region: 'us-east-1', accessKeyId, secretAccessKey, pathStyle: true }
  await s3Client(settings, fetch, calls).ask({ method: 'PUT' })
  return {
    's3-endpoint': endpoint,
    's3-bucket': bucket,
    's3-access-key-id': accessKeyId,
    's3-secret-access-key': secretAccessKey,
  }
}

export function kuboOptions(): StoreOptions {
  const { api, secret } = inject('stores').ipfs!
  return { 'ipfs-api': api, 'ipfs-api-secret': secret }
}

/** Workers say by a class of their own how long a stream will be; other parts of Node need no such word. */
Object.assign(globalThis, {
  FixedLengthStream: class extends TransformStream<Uint8Array, Uint8Array> {
    constructor(_length: number) {
      super()
    }
  },
})

/** A store of a server, past the server itself; the one it writes unless told. */
export async function bucketOf(
  { options, instance, pg }: Pick<TestServer, 'options' | 'instance' | 'pg'>,
  store = options['media-store'],
): Promise<Bucket> {
  if (store === 'r2') {
    return r2Bucket((await instance.mf.getR2Bucket('MEDIA')) as never)
  }
  const { s3, ipfs } = mediaStoresOf({
    MEDIA_STORE: store as Config['mediaStore'],
    S3_ENDPOINT: options['s3-endpoint'],
    S3_BUCKET: options['s3-bucket'],
    S3_REGION: options['s3-region'],
    S3_ACCESS_KEY_ID: options['s3-access-key-id'],
    S3_SECRET_ACCESS_KEY: options['s3-secret-access-key'],
    S3_PATH_STYLE: 'on',
    IPFS_API: options['ipfs-api'],
    IPFS_API_SECRET: options['ipfs-api-secret'],
  })
  if (store === 's3') return s3Bucket(s3Client(s3!, fetch, calls))
  const objects = postgresIpfsObjects({
    query: pg,
    async transaction(statements) {
      const answers: Record<string, unknown>[][] = []
      for (const { text, values } of statements) answers.push(await pg(text, values))
      return answers
    },
  })
  return ipfsBucket({ kubo: kuboAt(ipfs!, fetch, calls), objects, clock: systemClock, log })
}

/** Everything that a bucket holds, by its keys in their order. */
export async function keysIn(bucket: Bucket, prefix = ''): Promise<string[]> {
  const keys: string[] = []
  let after: string | undefined
  do {
    const page = await bucket.list(prefix, 1_000, after)
    keys.push(...page.keys)
    after = page.next
  } while (after !== undefined)
  return keys.sort()
}

export const bytes = (text: string) => new TextEncoder().encode(text)
