/** Pictures of previews: the newest are kept, of each user and in all. */
import { beforeEach, expect, it } from 'vitest'
import { type Client, must } from '../../support/client.ts'
import { listening } from '../../support/listening.ts'
import { type Colour, jpeg, png } from '../../support/media/images.ts'
import { bucketOf, keysIn, needsPostgres } from '../../support/media/stores.ts'
import { mediaOf } from '../../support/media/thumbnails.ts'
import { serving } from '../../support/serving.ts'

/** Of three pictures of one user, and of five in all. */
const SIZE = 20_000
const [EACH, ALL] = [3 * SIZE, 5 * SIZE]

/** What the site answers, by path. */
const pictures = new Map<string, Uint8Array>()
const at = listening((request, response) =>
  response.writeHead(200, { 'content-type': 'image/png' }).end(pictures.get(request.url!) ?? ''),
)
const { server, http } = serving([], {
  'allow-private-networks': 'on',
  'max-preview-bytes-per-user': String(EACH),
  'max-preview-bytes': String(ALL),
})
let users = 0
let alice: Client

beforeEach(async () => {
  users += 1
  alice = await http.register(`alice${users}`)
})

/** A picture of its own, so large. */
function newPicture(size = SIZE): string {
  const path = `/${pictures.size}.png`
  const colour: Colour = [pictures.size, 0, 0, 255]
  const start = png(120, 120, () => colour)
  pictures.set(path, Buffer.concat([start, Buffer.alloc(Math.max(0, size - start.length))]))
  return path
}

async function preview(client: Client, path: string): Promise<string | undefined> {
  const url = at(path)
  const asked = `/_matrix/client/v1/media/preview_url?url=${encodeURIComponent(url)}`
  const { body } = must(await http.request('GET', asked, undefined, { token: client.token }))
  return body['og:image']?.slice('mxc://'.length)
}

async function isKept(place: string): Promise<boolean> {
  const path = `/_matrix/client/v1/media/download/${place}`
  const answer = await fetch(new URL(path, server.url), {
    headers: { authorization: `Bearer ${alice.token}` },
  })
  await answer.arrayBuffer()
  return answer.status === 200
}

it('are counted for the user that wanted them, and the oldest go, with their thumbnails', async () => {
  const places: string[] = []
  for (let i = 0; i < 3; i += 1) places.push((await preview(alice, newPicture()))!)
  await mediaOf(server, alice).seen(places[0]!, { width: 32, height: 32 })
  expect(await Promise.all(places.map(isKept))).toEqual([true, true, true])
  places.push((await preview(alice, newPicture()))!)
  expect(await Promise.all(places.map(isKept))).toEqual([false, true, true, true])
  const thumbnails = `thumbnails/${places[0]!.split('/')[1]}`
  expect(await keysIn(await bucketOf(server), thumbnails)).toEqual([])
})

it('of other users stay, as long as there is room for all', async () => {
  const bob = await http.register(`bob${users}`)
  const [old] = [(await preview(bob, newPicture()))!]
  const places: string[] = []
  for (let i = 0; i < 4; i += 1) places.push((await preview(alice, newPicture()))!)
  expect(await isKept(old)).toBe(true)
  const carol = await http.register(`carol${users}`)
  for (let i = 0; i < 2; i += 1) await preview(carol, newPicture())
  expect(await isKept(old)).toBe(false)
  const [{ bytes } = { bytes: 0 }] = await server.pg('select sum(size) as bytes from preview_pictures')
  expect(Number(bytes)).toBe(ALL)
})

it('that are wanted again are new again', async () => {
  const again = newPicture()
  const first = (await preview(alice, again))!
  const second = (await preview(alice, newPicture()))!
  // By another URL, since the preview of the first is known.
  await preview(alice, pathFor(again))
  for (let i = 0; i < 2; i += 1) await preview(alice, newPicture())
  expect([await isKept(first), await isKept(second)]).toEqual([true, false])
})

it('larger than one user may have are left out', async () => {
  expect(await preview(alice, newPicture(EACH + 1))).toBeUndefined()
})

it.skipIf(needsPostgres)('are shown while Postgres is away', async () => {
  server.postgres.stop()
  try {
    expect(await isKept((await preview(alice, newPicture()))!)).toBe(true)
  } finally {
    server.postgres.start()
  }
})

it('have the size that is seen if they are turned', async () => {
  pictures.set('/turned.jpg', await jpeg(40, 20, () => [9, 9, 9, 255], 6))
  const url = at('/turned.jpg')
  const asked = `/_matrix/client/v1/media/preview_url?url=${encodeURIComponent(url)}`
  const { body } = must(await http.request('GET', asked, undefined, { token: alice.token }))
  expect([body['og:image:width'], body['og:image:height']]).toEqual([20, 40])
})

/** The same picture at another path. */
function pathFor(path: string): string {
  pictures.set(`${path}?again`, pictures.get(path)!)
  return `${path}?again`
}
