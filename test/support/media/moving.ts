/** A server whose media move from one store to another, and what a move must keep: the same for each pair of stores. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MediaStoreName } from '../../../src/ports/bucket.ts'
import { api, type Client } from '../client.ts'
import { type Ran, runScript } from '../command.ts'
import { startServer, type TestServer } from '../server.ts'
import { png, RED } from './images.ts'
import { bucketOf, keysIn, type StoreOptions } from './stores.ts'
import { mediaOf } from './thumbnails.ts'
import { bytesOf, hashOf, streamOf, transfersOf } from './transfers.ts'

/** What moves: claims are of uploads under way. */
const moving = (keys: string[]) => keys.filter((key) => !/^(claimed|conditions)\//.test(key))

/** @param settings of that one of the two which is not R2 */
export function describeMove(
  from: MediaStoreName,
  to: MediaStoreName,
  settings: () => Promise<StoreOptions>,
): void {
  let server: TestServer
  let alice: Client
  let media: ReturnType<typeof transfersOf>
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-move-'))
  const uploads = new Map<string, string>()

  beforeAll(async () => {
    server = await startServer({ ...(await settings()), 'media-store': from, 'data-dir': folder })
    alice = await api(server).register('alice')
    media = transfersOf(server, alice, alice)
  })
  afterAll(async () => {
    await server?.stop()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  const move = (...args: string[]): Promise<Ran> =>
    runScript('media-move', ['--to', to, '--data-dir', folder, ...args])
  const upload = async (body: Uint8Array, streamed = false) => {
    const place = await media.uploaded((streamed ? streamOf(body) : body) as BodyInit, { name: 'a.bin' })
    uploads.set(place, hashOf(body))
    return place
  }
  const allAreThere = async () => {
    for (const [place, hash] of uploads) {
      const answer = await media.get(place)
      expect([answer.status, answer.headers.get('content-disposition')]).toEqual([
        200,
        'attachment; filename="a.bin"',
      ])
      expect(hashOf(await bytesOf(answer))).toBe(hash)
    }
  }
  const source = () => bucketOf(server, from)
  const target = () => bucketOf(server, to)

  describe(`media that move from ${from} to ${to}`, () => {
    it('are copied, with their thumbnails and reservations, while more are uploaded', async () => {
      for (const size of [0, 10, 100_000, 3_000_000]) await upload(randomBytes(size))
      await upload(randomBytes(9_000_000), true)
      const picture = await mediaOf(server, alice).uploaded(
        png(120, 120, () => RED),
        'image/png',
      )
      await mediaOf(server, alice).seen(picture, { width: 32, height: 32 })
      await api(server).request('POST', '/_matrix/media/v1/create', undefined, { token: alice.token })
      for (let made = 0; made < 50; made += 1) await upload(randomBytes(50))
      const run = move()
      await upload(randomBytes(2_000_000))
      expect(await run).toMatchObject({ code: 0, stderr: '' })
      await allAreThere()
      const again = await move()
      expect([again.code, again.stderr]).toEqual([0, ''])
      expect(moving(await keysIn(await target()))).toEqual(moving(await keysIn(await source())))
    })

    it('keep their age, type and owner', async () => {
      const [here, there] = [await source(), await target()]
      for (const key of await keysIn(here, 'media/')) {
        const [object, copy] = [await here.head(key), await there.head(key)]
        expect(copy).toMatchObject({
          size: object!.size,
          contentType: object!.contentType,
          custom: object!.custom,
        })
        expect(copy!.custom.created_at).toBe(String(object!.modified))
      }
    })

    it('are not copied twice, and a run goes on where it stopped', async () => {
      const all = moving(await keysIn(await source()))
      const whole = await move()
      expect(whole.stdout).toContain(`done: copied 0 objects of 0 bytes, ${all.length} were there\n`)
      const [, place = ''] = /; at (\S+)\n/.exec(whole.stdout) ?? []
      const rest = await move('--after', place)
      const [, there] = /done: copied 0 objects of 0 bytes, (\d+) were there\n/.exec(rest.stdout)!
      expect(Number(there)).toBeLessThan(all.length)
      expect(Number(there)).toBeGreaterThan(0)
    })

    it('are refused if they are not what was uploaded, and stay where they are', async () => {
      const place = await upload(randomBytes(1_000))
      const key = `media/${place.split('/')[1]}`
      const before = (await (await source()).head(key))!
      await (await source()).put(key, randomBytes(1_000), before)
      const ran = await move()
      expect(ran.stderr).toContain(`${key}: it is not what was uploaded: its hash is another`)
      expect(ran.code).toBe(1)
      expect(await (await target()).head(key)).toBeUndefined()
      expect(await (await source()).head(key)).toBeDefined()
      await (await source()).remove([key])
      uploads.delete(place)
    })

    it('do not lose their source before the other store is chosen', async () => {
      const ran = await move('--delete-source')
      expect(ran.code).toBe(1)
      expect(ran.stderr).toContain(
        `New media go to ${from}: choose ${to} as the store first, then delete the source`,
      )
    })

    it('are there after the other store was chosen, and without the first', async () => {
      await server.restartWith({ 'media-store': to })
      await allAreThere()
      const fresh = await upload(randomBytes(20))
      const first = await source()
      expect(await first.head(`media/${fresh.split('/')[1]}`)).toBeUndefined()
      // What differs is not deleted.
      const [victim = ''] = await keysIn(first, 'media/')
      const object = (await first.head(victim))!
      await first.put(victim, randomBytes(object.size + 1), object)
      const ran = await move('--delete-source')
      expect(ran.stderr).toContain(`${victim}: another object is there under this key`)
      expect(moving(await keysIn(first))).toEqual([victim])
      await allAreThere()
    })
  })
}
