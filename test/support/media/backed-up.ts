/** A backup of a server whose media lie elsewhere says so, and its restore names those that are not there any more. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findServer, type ServerOptions, serverOptions } from '../../../local/commands/running-server.ts'
import { readOptions } from '../../../local/options/options.ts'
import { backup, newFolder, removeFolders, restore, start } from '../../local/backup/scene.ts'
import { api, type Client } from '../client.ts'
import type { TestServer } from '../server.ts'
import type { StoreOptions } from './stores.ts'
import { transfersOf } from './transfers.ts'

const flagsOf = (settings: StoreOptions) =>
  Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])

/** @param called how the store is named to the operator */
export function describeBackup(
  store: 's3' | 'ipfs',
  settingsOf: () => Promise<StoreOptions>,
  called: (settings: StoreOptions) => string,
): void {
  const folder = newFolder()
  const to = join(newFolder(), 'backup')
  let settings: StoreOptions
  let name: string
  let server: TestServer
  let alice: Client
  const places: string[] = []
  let isStopped = false

  beforeAll(async () => {
    settings = await settingsOf()
    name = called(settings)
    server = await start(folder, { ...settings, 'media-store': 'r2' })
    alice = await api(server).register('alice')
    const media = transfersOf(server, alice, alice)
    places.push(await media.uploaded('in the data folder'))
    await server.restartWith({ 'media-store': store })
    for (const text of ['one', 'two', '']) places.push(await media.uploaded(text))
    const { code, stdout, stderr } = await backup(folder, to)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain(`not in it: media in ${name}, which needs a backup of its own`)
  })
  afterAll(async () => {
    if (!isStopped) await server?.stop()
    await removeFolders()
  })

  const restored = (...flags: string[]) => restore(to, join(newFolder(), 'restored'), ...flags)

  describe(`media in ${store}, after a restore`, () => {
    it('are all there, and that is said', async () => {
      const { code, stdout, stderr } = await restored(...flagsOf(settings))
      expect([code, stderr]).toEqual([0, ''])
      expect(stdout).toContain('media: all 4 are there, 3 of them not in the data folder\n')
    })

    it('are not looked for where their store is not named, and that is said', async () => {
      const { code, stdout } = await restored()
      expect(code).toBe(0)
      expect(stdout).toContain(`media: 3 of 4 are not in the data folder, and ${name} was not asked`)
    })

    it('keep nothing from being refused: a store that does not answer is named before anything is restored', async () => {
      const target = newFolder()
      const wrong = {
        ...settings,
        [store === 's3' ? 's3-secret-access-key' : 'ipfs-api-secret']: 'bearer:wrong',
      }
      const { code, stderr } = await restore(to, target, ...flagsOf(wrong))
      expect([code, stderr]).toEqual([1, expect.stringMatching(/^selvedge: the (S3|Kubo) at /)])
      expect(readdirSync(target).filter((entry) => !/^(lock|run)/.test(entry))).toEqual([])
    })

    it('that are gone from it are named, and the others are served', async () => {
      const lost = places[2]!.split('/')[1]!
      const options = readOptions(['--data-dir', folder], {}, serverOptions)
      await (await findServer(options as ServerOptions)).ask('DELETE', `/_selvedge/admin/media/${lost}`)
      const target = join(newFolder(), 'restored')
      const { code, stdout, stderr } = await restore(to, target, ...flagsOf(settings))
      expect(stdout).toContain('restored test.example as of ')
      expect(stderr).toContain(`missing: ${lost}\nselvedge: 1 of 4 media are in no store`)
      expect(stderr.match(/missing/g)).toHaveLength(1)
      expect(code).toBe(1)
      const again = await start(target, { ...settings, 'media-store': store })
      const media = transfersOf(again, alice, alice)
      const statuses = await Promise.all(places.map(async (place) => (await media.get(place)).status))
      // Kubo has the bytes until it collects its garbage.
      expect(statuses).toEqual([200, 200, store === 'ipfs' ? 200 : 404, 200])
      await again.stop()
    })

    it('belong to no backup of a server that is stopped either', async () => {
      await server.stop()
      isStopped = true
      const { code, stdout } = await backup(folder, join(newFolder(), 'stopped'), ...flagsOf(settings))
      expect([code, stdout]).toEqual([0, expect.stringContaining(`not in it: media in ${name}`)])
    })
  })
}
