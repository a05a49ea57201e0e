/** What is wrong with the options of the stores of media, one by one and together. */
import { urlOf } from './checks.ts'

export const plainUrl = (text: string) => {
  const wrong = urlOf('https:', 'http:')(text)
  if (wrong !== undefined) return wrong
  const { username, password, search, hash } = new URL(text)
  return username + password + search + hash === ''
    ? undefined
    : 'must be a URL without a name, password, query or fragment'
}

export const bucketName = (text: string) =>
  /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(text)
    ? undefined
    : 'must be the name of a bucket: 3 to 63 of a-z, 0-9, - and .'

export const regionName = (text: string) =>
  /^[A-Za-z0-9-]{1,64}$/.test(text) ? undefined : 'must be the name of a region'

export const printable = (text: string) =>
  /^[\x21-\x7e]{1,256}$/.test(text) ? undefined : 'must be ASCII without spaces'

export const secretText = (text: string) =>
  text.length >= 1 && text.length <= 1_024 ? undefined : 'must have 1 to 1,024 characters'

export const kuboSecret = (text: string) =>
  /^(bearer:[\x21-\x7e]{1,1024}|basic:[^:\s]{1,256}:[\x20-\x7e]{1,1024})$/.test(text)
    ? undefined
    : 'must be bearer:TOKEN or basic:USER:PASSWORD'

type Given = Partial<
  Record<
    | 'media-store'
    | 's3-endpoint'
    | 's3-bucket'
    | 's3-access-key-id'
    | 's3-secret-access-key'
    | 'ipfs-api'
    | 'ipfs-api-secret',
    string
  >
>

/** An S3 is set up by all of these or by none. */
const OF_S3 = ['s3-endpoint', 's3-bucket', 's3-access-key-id', 's3-secret-access-key'] as const

/** What the options of a server miss beside each other, or nothing. */
export function missingForStores(options: Given): string | undefined {
  const store = options['media-store']
  const given = OF_S3.find((name) => options[name] !== undefined)
  const missing = OF_S3.find((name) => options[name] === undefined)
  if (missing !== undefined && (given !== undefined || store === 's3')) {
    return `${given === undefined ? '--media-store s3' : `--${given}`} needs --${missing}`
  }
  if (options['ipfs-api'] !== undefined) return undefined
  if (store === 'ipfs') return '--media-store ipfs needs --ipfs-api'
  return options['ipfs-api-secret'] === undefined ? undefined : '--ipfs-api-secret needs --ipfs-api'
}
