/** The settings of the stores of media: which is written, and where an S3 and a Kubo are. */
import * as z from 'zod'
import { MEDIA_STORES } from '../ports/bucket.ts'
import type { Config } from '../ports/config.ts'

const address = z.url({ protocol: /^https?$/, message: 'must be an http or https URL' })

export const MediaStoreVariables = {
  MEDIA_STORE: z.enum(MEDIA_STORES).default('r2'),
  S3_ENDPOINT: address
    .refine(isPlain, 'must be a URL without a name, password, query or fragment')
    .optional(),
  S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket')
    .optional(),
  S3_REGION: z
    .string()
    .regex(/^[A-Za-z0-9-]{1,64}$/, 'must be the name of a region')
    .default('us-east-1'),
  S3_ACCESS_KEY_ID: z
    .string()
    .regex(/^[\x21-\x7e]{1,256}$/, 'must be ASCII without spaces')
    .optional(),
  S3_SECRET_ACCESS_KEY: z.string().min(1).max(1_024).optional(),
  S3_PATH_STYLE: z.enum(['on', 'off']).default('on'),
  IPFS_API: address.refine(isPlain, 'must be a URL without a name, password, query or fragment').optional(),
  IPFS_API_SECRET: z
    .string()
    .regex(/^(bearer:[\x21-\x7e]{1,1024}|basic:[^:\s]{1,256}:[\x20-\x7e]{1,1024})$/, {
      message: 'must be bearer:TOKEN or basic:USER:PASSWORD',
    })
    .optional(),
}

const Stores = z.object(MediaStoreVariables)
type Stores = z.infer<typeof Stores>

/** An S3 is set up by all of these or by none. */
const OF_S3 = ['S3_ENDPOINT', 'S3_BUCKET', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'] as const

/** Says which of the variables miss others. */
export function checkMediaStores(v: Stores, context: z.RefinementCtx): void {
  const complain = (path: string, message: string) =>
    context.addIssue({ code: 'custom', path: [path], message, input: undefined })
  const missing = OF_S3.filter((name) => v[name] === undefined)
  if (missing.length > 0 && (missing.length < OF_S3.length || v.MEDIA_STORE === 's3')) {
    complain('S3_ENDPOINT', `an S3 needs ${missing.join(', ')} too`)
  }
  if (v.IPFS_API === undefined && v.MEDIA_STORE === 'ipfs') complain('IPFS_API', 'MEDIA_STORE ipfs needs it')
  if (v.IPFS_API === undefined && v.IPFS_API_SECRET !== undefined)
    complain('IPFS_API', 'IPFS_API_SECRET needs it')
}

/** What the variables come to. */
export function mediaStoresOf(v: Stores): Pick<Config, 'mediaStore' | 's3' | 'ipfs'> {
  const stores: Pick<Config, 'mediaStore' | 's3' | 'ipfs'> = { mediaStore: v.MEDIA_STORE }
  const { S3_ENDPOINT: endpoint, S3_BUCKET: bucket } = v
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = v
  if (endpoint && bucket && accessKeyId && secretAccessKey) {
    const pathStyle = v.S3_PATH_STYLE === 'on'
    stores.s3 = { endpoint, bucket, region: v.S3_REGION, accessKeyId, secretAccessKey, pathStyle }
  }
  if (v.IPFS_API !== undefined) {
    stores.ipfs = { api: v.IPFS_API }
    if (v.IPFS_API_SECRET !== undefined) stores.ipfs.authorization = authorizationOf(v.IPFS_API_SECRET)
  }
  return stores
}

/** As Kubo reads the same secret in `API.Authorizations`. */
function authorizationOf(secret: string): string {
  const [, kind, value] = /^(bearer|basic):(.*)$/.exec(secret)!
  return kind === 'bearer' ? `Bearer ${value}` : `Basic ${btoa(value!)}`
}

function isPlain(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { username, password, search, hash } = new URL(text)
  return username + password + search + hash === ''
}
