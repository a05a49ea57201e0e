/** Media that lie outside the data folder are in no backup: which stores hold them, and whether all are there after a restore. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { Readable } from 'node:stream'
import * as z from 'zod'
import { mediaStoresOf } from '../../src/media/store-settings.ts'
import type { MediaStoreName } from '../../src/ports/bucket.ts'
import type { Config } from '../../src/ports/config.ts'
import { kuboAt } from '../../src/storage/media/ipfs/kubo.ts'
import { ipfsProblem } from '../../src/storage/media/ipfs/problem.ts'
import { bytesKey } from '../../src/storage/media/keys.ts'
import { s3Client } from '../../src/storage/media/s3/client.ts'
import { s3Problem } from '../../src/storage/media/s3/problem.ts'
import { s3Bucket } from '../../src/storage/media/s3/s3.ts'
import type { CommandOptions } from '../options/options.ts'
import { storeOptions } from '../options/store-options.ts'
import type { Database } from '../postgres/database.ts'
import { messageOf, StartError } from '../start-error.ts'

/** Of an S3's list in one answer. */
const LISTED = 1_000

export const storeNames = Object.keys(storeOptions) as (keyof typeof storeOptions)[]
export type StoreOptions = CommandOptions<(typeof storeNames)[number]>

/** A store that a backup leaves to its own tools. */
export const Elsewhere = z.object({ store: z.enum(['s3', 'ipfs']), where: z.string() })
export type Elsewhere = z.infer<typeof Elsewhere>

const NAMES = { s3: 'the S3', ipfs: 'the Kubo' } as const
export const nameOf = ({ store, where }: Elsewhere): string => `${NAMES[store]} at ${where}`

type Stores = Pick<Config, 's3' | 'ipfs'>

function storesOf(options: StoreOptions): Stores {
  return mediaStoresOf({
    MEDIA_STORE: options['media-store'] as MediaStoreName,
    S3_ENDPOINT: options['s3-endpoint'],
    S3_BUCKET: options['s3-bucket'],
    S3_REGION: options['s3-region'],
    S3_ACCESS_KEY_ID: options['s3-access-key-id'],
    S3_SECRET_ACCESS_KEY: options['s3-secret-access-key'],
    S3_PATH_STYLE: options['s3-path-style'] as 'on' | 'off',
    IPFS_API: options['ipfs-api'],
    IPFS_API_SECRET: options['ipfs-api-secret'],
  })
}

/** The stores that are set up beside the data folder. */
export function mediaElsewhere(options: StoreOptions): Elsewhere[] {
  const { s3, ipfs } = storesOf(options)
  const found: Elsewhere[] = []
  if (s3 !== undefined) found.push({ store: 's3', where: `${s3.endpoint}, bucket ${s3.bucket}` })
  if (ipfs !== undefined) found.push({ store: 'ipfs', where: ipfs.api })
  return found
}

const uncounted = { count: () => undefined, snapshot: () => ({}) }

/** @throws StartError where a store that is named cannot be asked */
export async function requireStores(options: StoreOptions): Promise<void> {
  const { s3, ipfs } = storesOf(options)
  const problems = [
    s3 && (await s3Problem(s3, s3Bucket(s3Client(s3, fetch, uncounted)))),
    ipfs && (await ipfsProblem(ipfs, kuboAt(ipfs, fetch, uncounted))),
  ]
  const found = problems.find((problem) => problem !== undefined)
  if (found !== undefined) throw new StartError(found)
}

export interface LookedFor {
  /** How many uploads the database knows. */
  known: number
  /** How many of them are in no data folder. */
  outside: number
  /** The media ids that no store has which was asked. */
  missing: string[]
}

/** Looks for each upload that the database knows: in the data folder's objects, then in the stores that are named. */
export async function lookForMedia(
  objects: string,
  database: Database,
  options: StoreOptions,
): Promise<LookedFor> {
  const { s3, ipfs } = storesOf(options)
  const ids = await textsOf(database, 'select media_id from media order by media_id')
  const here = keysOfR2(objects)
  const outside = ids.filter((id) => !here.has(bytesKey(id)))
  let missing = outside
  const without = (keys: ReadonlySet<string>) => missing.filter((id) => !keys.has(bytesKey(id)))
  if (missing.length > 0 && s3 !== undefined) missing = without(await keysOfS3(s3))
  if (missing.length > 0 && ipfs !== undefined) missing = without(await keysOfIpfs(ipfs, database))
  return { known: ids.length, outside: outside.length, missing }
}

async function textsOf(database: Database, query: string): Promise<string[]> {
  const { rows } = await database.use((connection) => connection.query(query))
  return rows.map(([text]) => text!)
}

/** As the local runtime keeps a bucket: a database of the keys, beside the bytes. */
function keysOfR2(objects: string): Set<string> {
  const folder = join(objects, 'r2', 'miniflare-R2BucketObject')
  const keys = new Set<string>()
  if (!existsSync(folder)) return keys
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.sqlite') || name === 'metadata.sqlite') continue
    const database = new DatabaseSync(join(folder, name))
    try {
      const rows = database.prepare("select key from _mf_objects where key like 'media/%'").iterate()
      for (const { key } of rows) keys.add(String(key))
    } finally {
      database.close()
    }
  }
  return keys
}

async function keysOfS3(settings: NonNullable<Stores['s3']>): Promise<Set<string>> {
  const bucket = s3Bucket(s3Client(settings, fetch, uncounted))
  const keys = new Set<string>()
  let after: string | undefined
  do {
    const page = await bucket.list(bytesKey(''), LISTED, after)
    for (const key of page.keys) keys.add(key)
    after = page.next
  } while (after !== undefined)
  return keys
}

/** Those that the database names and Kubo has pinned; what has no bytes needs no pin. */
async function keysOfIpfs(settings: NonNullable<Stores['ipfs']>, database: Database): Promise<Set<string>> {
  const pins = await pinsOf(settings)
  const { rows } = await database.use((connection) =>
    connection.query("select key, pin from ipfs_objects where starts_with(key, 'media/')"),
  )
  return new Set(rows.filter(([, pin]) => pin == null || pins.has(pin)).map(([key]) => key!))
}

const Pin = z.object({ Cid: z.string() })

/** A line each, since there may be many. */
async function pinsOf({ api, authorization }: NonNullable<Stores['ipfs']>): Promise<Set<string>> {
  const url = `${api.replace(/\/+$/, '')}/api/v0/pin/ls?type=recursive&stream=true`
  const pins = new Set<string>()
  try {
    const answer = await fetch(url, { method: 'POST', headers: authorization ? { authorization } : {} })
    if (!answer.ok || answer.body === null) throw new Error(`it answers ${answer.status}`)
    for await (const line of createInterface({ input: Readable.fromWeb(answer.body as never) }))
      pins.add(Pin.parse(JSON.parse(line)).Cid)
  } catch (error) {
    throw new StartError(`the Kubo at ${api} does not say what it has pinned: ${messageOf(error)}`)
  }
  return pins
}
