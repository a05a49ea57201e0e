/** A backup of a server that is talked to without a pause, put back after that server was killed. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEmbedded } from '../../../local/postgres/embedded.ts'
import { api, type Client, must } from '../../support/client.ts'
import { eventually } from '../../support/eventually.ts'
import { claimOf } from '../../support/keys.ts'
import type { TestServer } from '../../support/server.ts'
import {
  backup,
  KEYS,
  newFolder,
  removeFolders,
  restore,
  type Spoken,
  spoken,
  start,
  type Talk,
  talk,
  waitingFor,
  wholeBeginnings,
} from './scene.ts'

afterAll(removeFolders)

describe.each(['a folder', 'a file'])('a backup into %s, made under load', (into) => {
  const folder = newFolder()
  const to = join(newFolder(), into === 'a file' ? 'backup.tar.gz' : 'backup')
  const restored = join(newFolder(), 'restored')
  let scene: Talk
  let before: Spoken
  let place: string
  let made: string
  let back: string
  let server: TestServer
  let alice: Client
  let bob: Client

  beforeAll(async () => {
    const first = await start(folder)
    scene = await talk(first)
    const { said } = scene
    await spoken(said, 60)
    before = { events: [...said.events], toDevice: [...said.toDevice], claimed: [...said.claimed] }
    const { code, stdout, stderr } = await backup(folder, to)
    expect([code, stderr]).toEqual([0, ''])
    made = stdout
    const atTheEnd = said.events.length
    await spoken(said, atTheEnd + 30)
    await scene.stop()
    place = await scene.place()
    process.kill(first.instance.runtimePid(), 'SIGKILL')
    await first.instance.stop()
    rmSync(folder, { recursive: true, maxRetries: 5 })
    const put = await restore(to, restored)
    expect([put.code, put.stderr]).toEqual([0, ''])
    back = put.stdout
    server = await start(restored)
    alice = api(server).as(scene.alice)
    bob = api(server).as(scene.bob)
  }, 120_000)
  afterAll(() => server?.stop())

  it('says what was done, and how long the server stood still', () => {
    expect(made).toMatch(/copied \d+ files while the server ran/)
    expect(made).toMatch(/it stood still for \d+ ms, in which \d+ files were copied anew/)
    expect(made).toContain(`backed up test.example to ${to}`)
    expect(back).toContain('restored test.example as of ')
    expect(back).toContain('media: all 1 are there\n')
    expect(made).not.toContain('not in it')
  })

  it('the sessions go on', async () => {
    expect(must(await bob.get('/account/whoami')).body.user_id).toBe(bob.userId)
  })

  it('has every message that was acknowledged before it, and of each room a beginning without a hole', async () => {
    const ids = await wholeBeginnings(bob, scene.rooms)
    expect(before.events.filter((id) => !ids.has(id))).toEqual([])
    // What came later than the backup is in none: the test would notice a folder that was never wiped.
    expect(ids.size).toBeLessThan(scene.said.events.length)
  })

  it('has each message to a device once, in order, of those that had been taken until then', async () => {
    const waiting = await waitingFor(bob)
    expect(waiting).toEqual(waiting.map((_, n) => n + 1))
    expect(waiting.length).toBeGreaterThanOrEqual(before.toDevice.length)
    expect(waiting.length).toBeLessThan(scene.said.toDevice.length)
  })

  it('gives no one-time key away that anybody may have', async () => {
    expect(scene.said.claimed.length).toBeGreaterThan(before.claimed.length)
    expect(scene.said.claimed.length).toBeLessThan(KEYS)
    const { one_time_keys: keys } = must(await alice.post('/keys/claim', claimOf(bob))).body
    expect(keys[bob.userId] ?? {}).toEqual({})
    expect(must(await bob.sync()).body.device_one_time_keys_count).toEqual({ signed_curve25519: 0 })
  })

  it('a client with a place from after it is told of a gap, and misses nothing that comes', async () => {
    const room = scene.rooms[0]!
    const { body } = must(await alice.sync({ since: place }))
    expect(body.rooms.join[room].timeline.limited).toBe(true)
    const eventId = await bob.say(room, 'found')
    let since = body.next_batch
    const timeline = await eventually(
      async () => {
        const { next_batch: next, rooms } = must(await alice.sync({ since, timeout: 20_000 })).body
        since = next
        return rooms?.join?.[room]?.timeline
      },
      (found) => found?.events.length > 0,
    )
    expect(timeline.limited ?? false).toBe(false)
    expect(timeline.events.map((event: { event_id: string }) => event.event_id)).toEqual([eventId])
  })
})

describe('what a backup holds', () => {
  const folder = newFolder()
  const to = join(newFolder(), 'backup')
  let server: TestServer

  beforeAll(async () => {
    server = await start(folder)
    const scene = await talk(server)
    await spoken(scene.said, 20)
    const made = await backup(folder, to)
    expect(made.stderr).toBe('')
    await scene.stop()
  }, 60_000)
  afterAll(() => server?.stop())

  it('is whole SQLite files of rooms and users', () => {
    for (const kind of ['Room', 'User']) {
      const objects = join(to, 'data', 'objects', 'do', `selvedge-${kind}`)
      const files = readdirSync(objects).filter((name) => name.endsWith('.sqlite'))
      expect(files.length).toBeGreaterThan(1)
      for (const file of files) {
        const database = new DatabaseSync(join(objects, file))
        expect(database.prepare('pragma integrity_check').get()).toEqual({ integrity_check: 'ok' })
        database.close()
      }
    }
  })

  it('is a Postgres that knows the accounts', async () => {
    const database = await openEmbedded(join(to, 'data', 'postgres'))
    const { rows } = await database.use((connection) =>
      connection.query('select localpart from accounts order by 1'),
    )
    await database.close()
    expect(rows).toEqual([['alice'], ['bob']])
  })

  it('is neither Redis, nor what belongs to the running process', () => {
    expect(readdirSync(join(to, 'data')).sort()).toEqual(['keys.json', 'objects', 'postgres'])
    const all = readdirSync(to, { recursive: true }).map(String)
    expect(all.filter((name) => name.endsWith('-shm'))).toEqual([])
  })
})
