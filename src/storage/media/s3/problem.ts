/** What is wrong with the settings of an S3, found out before anything is kept there. */
import type { Bucket } from '../../../ports/bucket.ts'
import type { S3Settings } from '../../../ports/config.ts'
import { StoreAway, StoreRefused } from '../failures.ts'

/** What the codes of S3 come to for the operator. */
const REMEDIES: Record<string, (settings: S3Settings) => string> = {
  NoSuchBucket: ({ bucket }) => `has no bucket ${bucket}: make it, or name another by --s3-bucket`,
  InvalidAccessKeyId: () => 'does not know the key of --s3-access-key-id',
  // The word of versitygw.
  XAdminUserNotFound: () => 'does not know the key of --s3-access-key-id',
  SignatureDoesNotMatch: () =>
    'does not take the signature: --s3-secret-access-key is not that of --s3-access-key-id, or --s3-region is another',
  AccessDenied: () => 'does not let the key of --s3-access-key-id use the bucket',
  AuthorizationHeaderMalformed: () => 'is of another region: name it by --s3-region',
  PermanentRedirect: () => 'has the bucket elsewhere: name its own address by --s3-endpoint',
}

/** One sentence, or nothing. */
export async function s3Problem(settings: S3Settings, bucket: Bucket): Promise<string | undefined> {
  const { endpoint } = settings
  try {
    await bucket.list('', 1)
    return (await keepsConditions(bucket))
      ? undefined
      : `the S3 at ${endpoint} ignores If-None-Match, which keeps uploads from overwriting each other: it needs a newer version`
  } catch (error) {
    if (error instanceof StoreAway) {
      return `no S3 answers at ${endpoint} (${error.code}): is it running? --s3-endpoint names another`
    }
    const code = error instanceof StoreRefused ? error.code : 'Unknown'
    const remedy = REMEDIES[code]?.(settings) ?? `refuses: ${code}. Check the options that begin with --s3`
    return `the S3 at ${endpoint} ${remedy}`
  }
}

/** Writes twice "if there is nothing": the second must be refused. */
async function keepsConditions(bucket: Bucket): Promise<boolean> {
  const key = `conditions/${crypto.randomUUID()}`
  const put = () => bucket.put(key, new TextEncoder().encode('x'), { custom: {} }, 'absent')
  try {
    return (await put()) && !(await put())
  } finally {
    await bucket.remove([key])
  }
}
