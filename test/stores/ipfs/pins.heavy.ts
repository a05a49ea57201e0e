/** Media in IPFS: each has its CID and its pin, and loses them with its bytes. */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { api, type Client } from '../../support/client.ts'
import { lineTo, type StoreLine } from '../../support/media/store-line.ts'
import { type KuboAccess, type StoreServer, startKubo } from '../../support/media/store-servers.ts'
import { bucketOf } from '../../support/media/stores.ts'
import { bytesOf, errorOf, hashOf, streamOf, transfersOf } from '../../support/media/transfers.ts'
import { startServer, type TestServer } from '../../support/server.ts'

const QUOTA = 20_000_000

let kubo: StoreServer<KuboAccess>
let line: StoreLine
let server: TestServer
let alice: Client
let media: ReturnType<typeof transfersOf>
let users = 0
/** Kubo pins an empty folder for itself. */
let ownPins: string[] = []

beforeAll(async () => {
  kubo = await startKubo()
  ownPins = await pins()
  line = await lineTo(kubo.settings.api)
  server = await startServer({
    'media-store': 'ipfs',
    'ipfs-api': line.url,
    'ipfs-api-secret': kubo.settings.secret,
    'max-media-bytes-per-user': String(QUOTA),
  })
})
beforeEach(async () => {
  users += 1
  alice = await api(server).register(`alice${users}`)
  media = transfersOf(server, alice, alice)
})
afterAll(async () => {
  line?.mend()
  await server?.stop()
  await line?.close()
  await kubo?.stop()
})

/** Asked past the server. */
async function ask(command: string): Promise<Response> {
  const [, token] = kubo.settings.secret.split(':')
  return fetch(`${kubo.settings.api}/api/v0/${command}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
}

async function pins(): Promise<string[]> {
  const { Keys = {} } = (await (await ask('pin/ls?type=recursive')).json()) as { Keys?: object }
  return Object.keys(Keys)
    .filter((pin) => !ownPins.includes(pin))
    .sort()
}

async function known(): Promise<string[]> {
  const rows = await server.pg('select pin from ipfs_objects where pin is not null')
  return rows.map(({ pin }) => String(pin)).sort()
}

async function rowOf(place: string) {
  const key = `media/${place.split('/')[1]}`
  const [row] = await server.pg('select cid, pin, size from ipfs_objects where key = $1', [key])
  return { cid: String(row?.cid), pin: String(row?.pin), size: Number(row?.size) }
}

const collectGarbage = async () => (await ask('repo/gc')).text()

it.each([
  ['small', randomBytes(1_000), (bytes: Uint8Array) => bytes],
  ['large', randomBytes(3_000_000), (bytes: Uint8Array) => bytes],
  ['of unknown length', randomBytes(9_000_000), streamOf],
])(
  'has the CID of what was uploaded, which outlives the collection of garbage: %s',
  async (_, bytes, bodyOf) => {
    const place = await media.uploaded(bodyOf(bytes) as BodyInit)
    const { cid, pin, size } = await rowOf(place)
    expect(size).toBe(bytes.byteLength)
    expect(await pins()).toContain(pin)
    await collectGarbage()
    const answer = await ask(`cat?arg=${cid}&offline=true`)
    expect(hashOf(await bytesOf(answer))).toBe(hashOf(bytes))
    expect(hashOf(await bytesOf(await media.get(place)))).toBe(hashOf(bytes))
  },
)

it('of the same bytes has the same CID, and loses nothing when the other goes', async () => {
  const bytes = randomBytes(500_000)
  const [first, second] = [await media.uploaded(bytes), await media.uploaded(bytes)]
  const [one, other] = [await rowOf(first), await rowOf(second)]
  expect(one.cid).toBe(other.cid)
  expect(one.pin).not.toBe(other.pin)
  await (await bucketOf(server)).remove([`media/${first.split('/')[1]}`])
  await collectGarbage()
  expect(await errorOf(await media.get(first))).toEqual([404, 'M_NOT_FOUND'])
  expect(hashOf(await bytesOf(await media.get(second)))).toBe(hashOf(bytes))
  await (await bucketOf(server)).remove([`media/${second.split('/')[1]}`])
  await collectGarbage()
  expect((await ask(`block/stat?arg=${one.cid}&offline=true`)).status).toBe(500)
})

it('past the quota is pinned no more', async () => {
  const sent = await Promise.all(Array.from({ length: 5 }, () => media.send(randomBytes(6_000_000))))
  expect(sent.map(({ status }) => status).sort()).toEqual([200, 200, 200, 403, 403])
  expect(await pins()).toEqual(await known())
})

it('that its client ends leaves no pin', async () => {
  const before = await pins()
  const gone = async () => {
    const metrics = await (await fetch(`${server.url}/metrics`)).text()
    return Number(/upload",status="499"} (\d+)/.exec(metrics)?.[1] ?? 0)
  }
  const counted = await gone()
  const { port, hostname } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  const head = ['POST /_matrix/media/v3/upload HTTP/1.1', 'Host: x', `Authorization: Bearer ${alice.token}`]
  socket.write(`${[...head, 'Content-Length: 8000000'].join('\r\n')}\r\n\r\n`)
  await new Promise((sent) => socket.write(randomBytes(3_000_000), sent))
  socket.destroy()
  await expect.poll(gone, { timeout: 10_000 }).toBe(counted + 1)
  expect(await pins()).toEqual(before)
})

it('is refused while Kubo is away, leaves nothing, and comes afterwards', async () => {
  const place = await media.uploaded('here before')
  const before = [await pins(), await known()]
  line.cut()
  try {
    expect(await errorOf(await media.get(place))).toEqual([503, 'M_UNKNOWN'])
    const deep = await fetch(`${server.url}/health?deep`)
    expect([deep.status, await deep.json()]).toMatchObject([503, { parts: { ipfs: 'down', postgres: 'ok' } }])
    for (const body of ['new', randomBytes(3_000_000), streamOf(randomBytes(9_000_000))]) {
      expect(await errorOf(await media.send(body as BodyInit))).toEqual([503, 'M_UNKNOWN'])
    }
  } finally {
    line.mend()
  }
  expect([await pins(), await known()]).toEqual(before)
  expect(await (await media.get(place)).text()).toBe('here before')
})

it('is refused while Postgres is away, and pins nothing', async () => {
  const place = await media.uploaded('here before')
  const before = await pins()
  server.postgres.stop()
  try {
    expect(await errorOf(await media.send(randomBytes(10)))).toEqual([503, 'M_UNKNOWN'])
    expect(await errorOf(await media.send(randomBytes(2_000_000)))).toEqual([503, 'M_UNKNOWN'])
    expect(await errorOf(await media.get(place))).toEqual([503, 'M_UNKNOWN'])
  } finally {
    server.postgres.start()
  }
  expect(await pins()).toEqual(before)
})

it('that is removed while Kubo is away is let go with the next removal', async () => {
  const [first, second] = [await media.uploaded(randomBytes(100)), await media.uploaded(randomBytes(100))]
  const { pin } = await rowOf(first)
  // The test's own way to the tables, over the line that the server uses.
  const bucket = await bucketOf(server)
  line.cut()
  await bucket.remove([`media/${first.split('/')[1]}`])
  line.mend()
  expect(await errorOf(await media.get(first))).toEqual([404, 'M_NOT_FOUND'])
  expect(await pins()).toContain(pin)
  await bucket.remove([`media/${second.split('/')[1]}`])
  expect(await pins()).toEqual(await known())
  expect(await server.pg('select pin from ipfs_unpins')).toEqual([])
})

it('is not begun with a secret that Kubo does not take, or at another address', async () => {
  const base = { 'media-store': 'ipfs', 'ipfs-api': kubo.settings.api } as const
  await expect(startServer({ ...base, 'ipfs-api-secret': 'bearer:wrong' })).rejects.toThrow(
    `the Kubo at ${kubo.settings.api} refuses (HTTP_403): --ipfs-api-secret must be the AuthSecret of its API.Authorizations`,
  )
  await expect(
    startServer({ ...base, 'ipfs-api': server.url, 'ipfs-api-secret': undefined }),
  ).rejects.toThrow(
    `${server.url} is not the RPC API of a Kubo (HTTP_404): --ipfs-api must name it, not the gateway`,
  )
})
