/** What clients get of a store, or of a proxy before it, that answers half, more, or another part. */
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { api, type Client } from '../../support/client.ts'
import { type Oddity, type OddS3, oddS3 } from '../../support/media/odd-s3.ts'
import { bytesOf, transfersOf } from '../../support/media/transfers.ts'
import { startServer, type TestServer } from '../../support/server.ts'

const BYTES = randomBytes(200_000)

let s3: OddS3
let server: TestServer
let alice: Client
let place: string

beforeAll(async () => {
  s3 = await oddS3()
  server = await startServer({
    'media-store': 's3',
    's3-endpoint': s3.endpoint,
    's3-bucket': 'media-bucket',
    's3-access-key-id': 'accesskeyid',
    's3-secret-access-key': 'secretaccesskey',
  })
  alice = await api(server).register('alice')
  place = await transfersOf(server, alice, alice).uploaded(BYTES)
})
afterAll(async () => {
  await server?.stop()
  await s3?.close()
})
afterEach(() => {
  s3.oddity = 'none'
})

/** A download as it ends: its status, and whether its bytes are right. */
async function downloaded(range?: [first: number, last: number]): Promise<string> {
  const headers: Record<string, string> = { authorization: `Bearer ${alice.token}` }
  if (range !== undefined) headers.range = `bytes=${range[0]}-${range[1]}`
  const url = `${server.url}/_matrix/client/v1/media/download/${place}`
  try {
    const answer = await fetch(url, { headers })
    const bytes = await bytesOf(answer)
    if (answer.status >= 300) return `${answer.status}`
    const wanted = range === undefined ? BYTES : BYTES.subarray(range[0], range[1] + 1)
    return `${answer.status} ${bytes.equals(wanted) ? 'right' : 'wrong'}`
  } catch {
    return 'broken off'
  }
}

describe('a download, where the store answers', () => {
  it.each<[Oddity, string, string]>([
    ['none', '200 right', '206 right'],
    ['no length', '200 right', '206 right'],
    ['no ranges', '200 right', '502'],
    ['half', '502', '502'],
    ['more', '502', '502'],
    ['another part', '502', '502'],
    ['broken off', 'broken off', 'broken off'],
  ])('with oddity: %s, is %s, and in part %s', async (oddity, whole, part) => {
    s3.oddity = oddity
    expect(await downloaded()).toBe(whole)
    expect(await downloaded([1_000, 2_999])).toBe(part)
    expect(await downloaded([0, 2_999])).toBe(part)
  })
})
