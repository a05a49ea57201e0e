/** The options of the stores of media: a part of the table of options. */
import { oneOf } from './checks.ts'
import type { OptionRow } from './option-row.ts'
import { bucketName, kuboSecret, plainUrl, printable, regionName, secretText } from './store-checks.ts'

export const storeOptions = {
  'media-store': {
    value: 'r2|s3|ipfs',
    default: 'r2',
    help: 'Where new media go: the data folder (r2), an S3, or IPFS by a Kubo. What lies in another is read too.',
    check: oneOf('r2', 's3', 'ipfs'),
  },
  's3-endpoint': {
    value: 'url',
    help: 'The address of an S3 for media, such as https://s3.eu-central-1.amazonaws.com.',
    check: plainUrl,
  },
  's3-bucket': { value: 'name', help: 'The bucket of --s3-endpoint.', check: bucketName },
  's3-region': {
    value: 'name',
    default: 'us-east-1',
    help: 'The region of --s3-endpoint; servers of one’s own take the default.',
    check: regionName,
  },
  's3-access-key-id': {
    value: 'id',
    help: 'The key that --s3-endpoint knows this server by.',
    check: printable,
  },
  's3-secret-access-key': {
    value: 'secret',
    help: 'The secret of --s3-access-key-id.',
    check: secretText,
  },
  's3-path-style': {
    value: 'on|off',
    default: 'on',
    help: 'Whether the bucket stands in the path; off: before the host.',
    check: oneOf('on', 'off'),
  },
  'ipfs-api': {
    value: 'url',
    help: 'The address of a Kubo’s RPC API for media, such as http://127.0.0.1:5001.',
    check: plainUrl,
  },
  'ipfs-api-secret': {
    value: 'secret',
    help: 'The AuthSecret that --ipfs-api wants: bearer:TOKEN or basic:USER:PASSWORD.',
    check: kuboSecret,
  },
} as const satisfies Record<string, OptionRow>
