/** What one user may upload in all: never passed, whoever uploads how much at once. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { type Client, must } from '../../support/client.ts'
import { bucketOf, bytes, keysIn, needsPostgres } from '../../support/media/stores.ts'
import { serving } from '../../support/serving.ts'

const QUOTA = 100_000

const { server, http } = serving([], { 'max-media-bytes-per-user': String(QUOTA) })

/** In one piece, or as a stream of unknown length. */
async function send(
  client: Client,
  size: number,
  { streamed = false, path = 'upload', method = 'POST' } = {},
) {
  const bytes = randomBytes(size)
  const body = streamed ? new Blob([bytes]).stream() : bytes
  const answer = await fetch(`${server.url}/_matrix/media/v3/${path}`, {
    method,
    body,
    duplex: 'half',
    headers: { authorization: `Bearer ${client.token}` },
  } as RequestInit)
  return { status: answer.status, body: (await answer.json()) as { errcode?: string; content_uri?: string } }
}

const used = async ({ userId }: Client) =>
  Number((await server.pg('select bytes from media_usage where owner = $1', [userId]))[0]?.bytes ?? 0)

/** Whose bytes are in the store. */
async function kept({ userId }: Client): Promise<number> {
  const bucket = await bucketOf(server)
  const objects = await Promise.all((await keysIn(bucket, 'media/')).map((key) => bucket.head(key)))
  const own = objects.filter((object) => object?.custom.owner === encodeURIComponent(userId))
  return own.reduce((sum, object) => sum + object!.size, 0)
}

describe.each([false, true])('the quota of a user, streamed %s', (streamed) => {
  it('can be used to the last byte, and no further', async () => {
    const alice = await http.register(`alice_${streamed}`)
    expect((await send(alice, QUOTA - 1, { streamed })).status).toBe(200)
    const refused = await send(alice, 2, { streamed })
    expect([refused.status, refused.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    expect((await send(alice, 1, { streamed })).status).toBe(200)
    expect([await used(alice), await kept(alice)]).toEqual([QUOTA, QUOTA])
    expect((await send(alice, 1, { streamed })).status).toBe(403)
  })

  it('holds for uploads at the same time', async () => {
    const bob = await http.register(`bob_${streamed}`)
    const answers = await Promise.all(Array.from({ length: 6 }, () => send(bob, 30_000, { streamed })))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(3)
    expect([await used(bob), await kept(bob)]).toEqual([90_000, 90_000])
  })
})

it('refuses what cannot fit before it is read', async () => {
  const alice = await http.register('alice')
  const headers = { authorization: `Bearer ${alice.token}`, 'content-length': QUOTA + 1 }
  const upload = request(`${server.url}/_matrix/media/v3/upload`, { method: 'POST', headers })
  upload.on('error', () => undefined)
  try {
    upload.write('the rest never comes')
    const [answer] = (await once(upload, 'response')) as [IncomingMessage]
    expect(answer.statusCode).toBe(403)
  } finally {
    upload.destroy()
  }
})

it('is for each user alone', async () => {
  const [carol, dora] = [await http.register('carol'), await http.register('dora')]
  expect((await send(carol, QUOTA)).status).toBe(200)
  expect((await send(dora, QUOTA)).status).toBe(200)
})

it('leaves an id free for a smaller upload', async () => {
  const erin = await http.register('erin')
  const created = must(
    await http.request('POST', '/_matrix/media/v1/create', undefined, { token: erin.token }),
  )
  const path = `upload/${created.body.content_uri.slice('mxc://'.length)}`
  expect((await send(erin, QUOTA + 1, { path, method: 'PUT', streamed: true })).status).toBe(403)
  expect((await send(erin, 10, { path, method: 'PUT' })).status).toBe(200)
})

it('tells the index what was uploaded', async () => {
  const finn = await http.register('finn')
  const { body } = await send(finn, 10, { path: 'upload?filename=a.bin' })
  const mediaId = body.content_uri!.split('/').at(-1)
  const rows = await server.pg(
    'select owner, file_name, content_type, length(sha256) as digits from media where media_id = $1',
    [mediaId],
  )
  expect(rows).toEqual([
    {
      owner: finn.userId,
      file_name: 'a.bin',
      content_type: 'application/octet-stream',
      digits: expect.anything(),
    },
  ])
})

it('can be counted again from what is stored', async () => {
  const [hal, ida] = [await http.register('hal'), await http.register('ida')]
  await server.pg('update accounts set admin = true where localpart = $1', ['hal'])
  for (const streamed of [false, true]) await send(ida, 10, { streamed })
  const bucket = await bucketOf(server)
  const facts = { custom: { owner: encodeURIComponent(ida.userId) }, contentType: 'a/b' }
  await bucket.put('media/older', bytes('no hash'), facts)
  await bucket.put('media/preview', bytes('nobody’s'), { custom: { owner: '' } })
  const entries = () => server.pg('select * from media order by media_id')
  const path = '/_selvedge/admin/rebuild/media'
  const before = await entries()
  expect(must(await hal.post(path)).body).toEqual({ added: 1 })
  expect(await used(ida)).toBe(27)
  const whole = await entries()
  expect(whole.length).toBe(before.length + 1)
  const untimed = (rows: typeof whole) => rows.map(({ created_ts: _, ...row }) => row)
  await server.pg('delete from media')
  await server.pg('delete from media_usage')
  expect(must(await hal.post(path)).body).toEqual({ added: whole.length })
  expect(untimed(await entries())).toEqual(untimed(whole))
  expect(await used(ida)).toBe(27)
  expect(must(await hal.post(path)).body).toEqual({ added: 0 })
  expect((await ida.post(path)).status).toBe(403)
})

it('is counted again page by page', async () => {
  const joe = await http.register('joe')
  await server.pg('update accounts set admin = true where localpart = $1', ['joe'])
  const bucket = await bucketOf(server)
  const custom = { owner: encodeURIComponent(joe.userId), sha256: '00' }
  for (let made = 0; made < 205; made += 1) await bucket.put(`media/joe${made}`, bytes('x'), { custom })
  let pages = 0
  let next: string | undefined = ''
  while (next !== undefined) {
    const after: string = next === '' ? '' : `?after=${encodeURIComponent(next)}`
    next = must(await joe.post(`/_selvedge/admin/rebuild/media${after}`)).body.next
    pages += 1
  }
  expect(pages).toBeGreaterThan(2)
  expect(await used(joe)).toBe(205)
})

it.skipIf(needsPostgres)('does not apply while Postgres is away', async () => {
  const gina = await http.register('gina')
  server.postgres.stop()
  try {
    expect((await send(gina, QUOTA)).status).toBe(200)
  } finally {
    server.postgres.start()
  }
})
