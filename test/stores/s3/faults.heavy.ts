/** An S3 that fails: clients are told so, nothing is half made, and all goes on when it is back. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { s3Client } from '../../../src/storage/media/s3/client.ts'
import { api, type Client } from '../../support/client.ts'
import { lineTo, type StoreLine } from '../../support/media/store-line.ts'
import { bucketOf, freshS3, keysIn } from '../../support/media/stores.ts'
import { bytesOf, errorOf, hashOf, streamOf, transfersOf } from '../../support/media/transfers.ts'
import { startServer, type TestServer } from '../../support/server.ts'

let line: StoreLine
let server: TestServer
let alice: Client
let media: ReturnType<typeof transfersOf>

beforeAll(async () => {
  const options = await freshS3()
  line = await lineTo(options['s3-endpoint']!)
  server = await startServer({ ...options, 's3-endpoint': line.url, 'media-store': 's3' })
  alice = await api(server).register('alice')
  media = transfersOf(server, alice, alice)
})
afterAll(async () => {
  line.mend()
  await server.stop()
  await line.close()
})

const AWAY = [503, 'M_UNKNOWN']
const rows = () => server.pg('select media_id from media order by media_id')
const kept = async () => keysIn(await bucketOf(server))

it.each([
  ['small', () => 'small'],
  ['large', () => randomBytes(3_000_000)],
  ['of unknown length', () => streamOf(randomBytes(9_000_000))],
])('refuses an upload while it is away: %s', async (_, body) => {
  const before = [await rows(), await kept()]
  line.cut()
  try {
    expect(await errorOf(await media.send(body() as BodyInit))).toEqual(AWAY)
  } finally {
    line.mend()
  }
  expect([await rows(), await kept()]).toEqual(before)
})

it.each([
  ['of known length', { 'content-length': '20000000' }],
  ['of unknown length', { 'transfer-encoding': 'chunked' }],
])('that is lost in the middle of an upload %s leaves nothing', async (_, framing) => {
  const before = [await rows(), await kept()]
  const headers = { authorization: `Bearer ${alice.token}`, ...framing }
  const upload = request(`${server.url}/_matrix/media/v3/upload`, { method: 'POST', headers })
  const answered = once(upload, 'response') as Promise<[IncomingMessage]>
  // The connection may end after the answer, before all is sent.
  upload.on('error', () => undefined)
  await new Promise((sent) => upload.write(randomBytes(12_000_000), sent))
  line.cut()
  try {
    upload.end(randomBytes(8_000_000))
    const [answer] = await answered
    expect([answer.statusCode, ((await json(answer)) as { errcode: string }).errcode]).toEqual(AWAY)
  } finally {
    line.mend()
  }
  expect([await rows(), await kept()]).toEqual(before)
})

it('keeps what it has: a download is refused meanwhile, and comes afterwards', async () => {
  const bytes = randomBytes(2_000_000)
  const place = await media.uploaded(bytes)
  line.cut()
  try {
    expect(await errorOf(await media.get(place))).toEqual(AWAY)
    const deep = await fetch(`${server.url}/health?deep`)
    expect([deep.status, await deep.json()]).toMatchObject([503, { parts: { s3: 'down', postgres: 'ok' } }])
  } finally {
    line.mend()
  }
  expect(hashOf(await bytesOf(await media.get(place)))).toBe(hashOf(bytes))
})

it('that says nothing any more is given up', async () => {
  const place = await media.uploaded('here')
  line.silence()
  try {
    expect(await errorOf(await media.get(place))).toEqual(AWAY)
  } finally {
    line.mend()
  }
})

it('that refuses is 502', async () => {
  const options = await freshS3()
  const other = await startServer({ ...options, 'media-store': 's3' })
  try {
    const bob = await api(other).register('bob')
    const { send } = transfersOf(other, bob, bob)
    const settings = {
      endpoint: options['s3-endpoint']!,
      bucket: options['s3-bucket']!,
      region: 'us-east-1',
      accessKeyId: options['s3-access-key-id']!,
      secretAccessKey: options['s3-secret-access-key']!,
      pathStyle: true,
    }
    const calls = { count: () => undefined, snapshot: () => ({}) }
    // Without a key it is the bucket itself.
    expect(await s3Client(settings, fetch, calls).ask({ method: 'DELETE' })).toMatchObject({ status: 204 })
    for (const size of [10, 2_000_000]) {
      expect(await errorOf(await send(randomBytes(size)))).toEqual([502, 'M_UNKNOWN'])
    }
    expect(await other.pg('select media_id from media')).toEqual([])
  } finally {
    await other.stop()
  }
})

it('takes a type and a name in any script', async () => {
  const name = `${'書'.repeat(250)}.txt`
  const place = await media.uploaded('x', { type: 'text/plain; x="a  b"', name })
  const { headers } = await media.get(place)
  expect(headers.get('content-type')).toBe('text/plain; x="a  b"')
  expect(headers.get('content-disposition')).toContain(encodeURIComponent(name))
})
