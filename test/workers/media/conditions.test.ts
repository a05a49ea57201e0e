/** What a client knows already of media, and which part it wants: RFC 9110 §13 and §14. */
import { connect } from 'node:net'
import { beforeAll, describe, expect, it } from 'vitest'
import { png, RED } from '../../support/media/images.ts'
import { bucketOf, keysIn } from '../../support/media/stores.ts'
import { mediaOf } from '../../support/media/thumbnails.ts'
import { serving } from '../../support/serving.ts'

const { server, alice } = serving(['alice'])
let paths: [string, string][]
let etags: string[]
let dates: string[]

beforeAll(async () => {
  const place = await mediaOf(server, alice).uploaded(
    png(120, 120, () => RED),
    'image/png',
  )
  paths = [
    ['a download', `/_matrix/client/v1/media/download/${place}`],
    ['a thumbnail', `/_matrix/client/v1/media/thumbnail/${place}?width=32&height=32&method=crop`],
    [
      'an original that stands for a thumbnail',
      `/_matrix/client/v1/media/thumbnail/${place}?width=320&height=320`,
    ],
  ]
  const answers = await Promise.all(paths.map(([, path]) => get(path)))
  etags = answers.map(({ headers }) => headers.get('etag')!)
  dates = answers.map(({ headers }) => headers.get('last-modified')!)
})

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(new URL(path, server.url), {
    method,
    headers: { authorization: `Bearer ${alice.token}`, ...headers },
  })
const LONG_AGO = 'Sat, 01 Jan 2000 00:00:00 GMT'

describe.each([0, 1, 2])('of the %ith kind', (kind) => {
  it.each([
    ['a list with its tag', () => `"other", ${etags[kind]}, "more"`, 304],
    ['its tag as a weak one', () => `W/${etags[kind]}`, 304],
    ['anything', () => '*', 304],
    ['other tags', () => '"other", W/"more,"', 200],
  ])('what is known by %s is not sent again unless it is another', async (_, tags, status) => {
    expect((await get(paths[kind]![1], { 'if-none-match': tags() })).status).toBe(status)
  })

  it.each([
    ['its date', () => dates[kind]!, 304],
    ['a later date', () => new Date(Date.now() + 60_000).toUTCString(), 304],
    ['an earlier date', () => LONG_AGO, 200],
    ['no date', () => 'yesterday', 200],
  ])('what was known at %s is sent where it is newer', async (_, date, status) => {
    expect((await get(paths[kind]![1], { 'if-modified-since': date() })).status).toBe(status)
  })

  it('a tag counts, and a date beside it does not', async () => {
    const headers = { 'if-none-match': '"other"', 'if-modified-since': dates[kind]! }
    expect((await get(paths[kind]![1], headers)).status).toBe(200)
  })

  it.each([
    ['its tag', () => etags[kind]!, 206],
    ['its date', () => dates[kind]!, 206],
    ['its tag as a weak one', () => `W/${etags[kind]}`, 200],
    ['another tag', () => '"other"', 200],
    ['another date', () => LONG_AGO, 200],
  ])('a part is sent to who has the rest by %s', async (_, state, status) => {
    const answer = await get(paths[kind]![1], { range: 'bytes=1-3', 'if-range': state() })
    expect([answer.status, (await answer.arrayBuffer()).byteLength === 3]).toEqual([status, status === 206])
  })

  it.each([
    ['if-match', () => '"other"', 412],
    ['if-match', () => `"other", ${etags[kind]}`, 200],
    ['if-match', () => `W/${etags[kind]}`, 412],
    ['if-match', () => '*', 200],
    ['if-unmodified-since', () => LONG_AGO, 412],
    ['if-unmodified-since', () => dates[kind]!, 200],
  ])('what must be as it was, by %s, is that or nothing', async (name, value, status) => {
    expect((await get(paths[kind]![1], { [name]: value() })).status).toBe(status)
  })

  it('its headers alone say how long it is', async () => {
    const whole = await get(paths[kind]![1])
    const length = (await whole.arrayBuffer()).byteLength
    const asked: Record<string, string>[] = [{}, { range: 'bytes=1-3' }]
    for (const headers of asked) {
      const head = await get(paths[kind]![1], headers, 'HEAD')
      expect([head.status, head.headers.get('content-length')]).toEqual([200, String(length)])
      expect(head.headers.get('etag')).toBe(etags[kind])
    }
    expect((await get(paths[kind]![1], { 'if-none-match': '*' }, 'HEAD')).status).toBe(304)
  })
})

it.each([
  ['of a known length', 'Content-Length: 8000000', Buffer.alloc(3_000_000)],
  ['of a small known length', 'Content-Length: 100000', Buffer.alloc(1_000)],
  [
    'of unknown length',
    'Transfer-Encoding: chunked',
    Buffer.concat([Buffer.from('989680\r\n'), Buffer.alloc(9_000_000)]),
  ],
])('an upload %s that its client ends is no failure, and leaves nothing', async (_, framing, body) => {
  const bucket = await bucketOf(server)
  const kept = () => keysIn(bucket)
  const failures = async () => {
    const text = await (await fetch(new URL('/metrics', server.url))).text()
    const answered = (status: number) =>
      Number(new RegExp(`upload",status="${status}"} (\\d+)`).exec(text)?.[1] ?? 0)
    return { gone: answered(499), failed: answered(500) }
  }
  const [before, counted] = [await kept(), await failures()]
  const { port, hostname } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  const head = [
    'POST /_matrix/media/v3/upload HTTP/1.1',
    'Host: x',
    `Authorization: Bearer ${alice.token}`,
    framing,
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  await new Promise((sent) => socket.write(body, sent))
  socket.destroy()
  await expect.poll(failures, { timeout: 10_000 }).toEqual({ gone: counted.gone + 1, failed: 0 })
  expect(await kept()).toEqual(before)
})
