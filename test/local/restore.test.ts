/** A backup that was put back: what clients hold from after it is no place here, and can be told to log in again. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { api, type Client, must } from '../support/client.ts'
import { runScript } from '../support/command.ts'
import { needing, redisProgram, startRedis } from '../support/real-servers.ts'
import { startServer, type TestServer, type TestServerOptions } from '../support/server.ts'

const folders: string[] = []
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-restore-'))
  folders.push(folder)
  return folder
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

const start = (folder: string, options: TestServerOptions = {}) =>
  startServer({ 'data-dir': folder, sql: undefined, ...options })

interface Scene {
  folder: string
  backup: string
  alice: Client
  bob: Client
  room: string
}

/** Two people in a room, and a backup of their server; `after` happens after it. */
async function scene(
  after: (server: TestServer, scene: Scene) => Promise<void>,
  options = {},
): Promise<Scene> {
  const [folder, backup] = [newFolder(), newFolder()]
  const first = await start(folder, options)
  const alice = await api(first).register('alice')
  const bob = await api(first).register('bob')
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  await first.stop()
  cpSync(folder, backup, { recursive: true })
  const made = { folder, backup, alice, bob, room }
  const second = await start(folder, options)
  await after(second, made)
  await second.stop()
  return made
}

function putBack({ folder, backup }: Scene, parts = ['']): void {
  for (const part of parts) {
    rmSync(join(folder, part), { recursive: true })
    cpSync(join(backup, part), join(folder, part), { recursive: true })
  }
}

describe('after a restore', () => {
  it.each(['with npm run restored', 'where nobody says so'])(
    'a client with a place from after the backup is told of a gap and misses nothing that comes, %s',
    async (how) => {
      let since = ''
      const made = await scene(async (server, { alice, bob, room }) => {
        const [speaker, listener] = [api(server).as(alice), api(server).as(bob)]
        // More positions than the room had reserved at the backup.
        for (let i = 0; i < 3; i += 1) await speaker.say(room, `lost ${i}`)
        for (let i = 0; i < 3; i += 1) await listener.put(`/user/${bob.userId}/account_data/lost.${i}`, { i })
        since = must(await listener.sync()).body.next_batch
      })
      putBack(made)
      if (how.startsWith('with')) {
        const { code, stdout } = await runScript('restored', ['--data-dir', made.folder])
        expect([code, stdout]).toEqual([0, expect.stringContaining('reads its rooms anew')])
      }
      const server = await start(made.folder)
      const [speaker, listener] = [api(server).as(made.alice), api(server).as(made.bob)]
      await speaker.say(made.room, 'found')
      const joined = must(await listener.sync({ since })).body.rooms.join[made.room]
      expect(joined.timeline.limited).toBe(true)
      expect(joined.timeline.events.at(-1).content.body).toBe('found')
      await server.stop()
    },
  )

  it('a place beyond all that a room ever gave is a gap, wherever it comes from', async () => {
    const server = await startServer()
    const [alice, bob] = [await api(server).register('alice'), await api(server).register('bob')]
    const room = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(room)
    const { next_batch: token } = must(await bob.sync()).body
    const beyond = token.replace(/~(\d+):\d+/, '~$1:99999999')
    await alice.say(room, 'found')
    const { body } = must(await bob.sync({ since: beyond }))
    expect(body.rooms.join[room].timeline.limited).toBe(true)
    expect(body.rooms.join[room].timeline.events.at(-1).content.body).toBe('found')
    expect(must(await bob.sync({ since: body.next_batch })).body).not.toHaveProperty('rooms')
    await server.stop()
  })

  it('raises the generation by itself if only one part is of another time', async () => {
    const lines: string[] = []
    const made = await scene(async () => {})
    putBack(made, ['objects'])
    const server = await start(made.folder, { 'log-level': 'warn', writeLog: (line) => lines.push(line) })
    await server.stop()
    const mark = JSON.parse(readFileSync(join(made.folder, 'objects', 'instance.json'), 'utf8'))
    expect(mark.generation).toBeGreaterThan(0)
    expect(lines.join('\n')).toContain('parts of this server are of different times')
  })

  it('does not give away a one-time key that may be given away already', async () => {
    const made = await scene(async () => {})
    const before = await start(made.folder)
    const bob = api(before).as(made.bob)
    const key = {
      key: 'A'.repeat(43),
      signatures: { [bob.userId]: { [`ed25519:${bob.deviceId}`]: 'B'.repeat(86) } },
    }
    must(await bob.post('/keys/upload', { one_time_keys: { 'signed_curve25519:AAAA': key } }))
    await before.stop()
    await runScript('restored', ['--data-dir', made.folder])
    const server = await start(made.folder)
    const claim = { one_time_keys: { [bob.userId]: { [bob.deviceId]: 'signed_curve25519' } } }
    const { body } = must(await api(server).as(made.alice).post('/keys/claim', claim))
    expect(body.one_time_keys[bob.userId] ?? {}).toEqual({})
    await server.stop()
  })
})

describe.skipIf(!redisProgram)(needing('a Redis that was not emptied', redisProgram, 'redis-server'), () => {
  it('refuses the token of a user whose account the restored data does not know', async () => {
    const redis = await startRedis()
    const options = { 'redis-url': redis.url }
    let stranger: Client | undefined
    const made = await scene(async (server) => {
      stranger = await api(server).register('stranger')
      must(await stranger.get('/account/whoami'))
      await stranger.createRoom()
    }, options)
    putBack(made)
    const server = await start(made.folder, options)
    const answer = () => api(server).as(stranger!).post('/createRoom', {})
    await expect.poll(async () => (await answer()).body.errcode).toBe('M_UNKNOWN_TOKEN')
    await server.stop()
    await redis.stop()
  })
})

describe('logging everybody out', () => {
  it('ends every session softly, refresh tokens too, and leaves the devices with their keys', async () => {
    const folder = newFolder()
    const before = await start(folder)
    const alice = await api(before).register('alice', { refresh_token: true })
    await before.stop()
    const { code, stdout } = await runScript('account', ['logout', '--everyone', '--data-dir', folder])
    expect([code, stdout]).toEqual([0, expect.stringContaining('logs everybody out')])
    const after = await start(folder)
    const answer = await api(after).as(alice).get('/account/whoami')
    expect([answer.status, answer.body]).toEqual([
      401,
      expect.objectContaining({ errcode: 'M_UNKNOWN_TOKEN', soft_logout: true }),
    ])
    const again = await api(after).login('alice', { device_id: alice.deviceId })
    expect(must(await again.get('/devices')).body.devices).toHaveLength(1)
    const forged = await api(after).request('GET', '/account/whoami', undefined, { token: 'x.y.z' })
    expect(forged.body).not.toHaveProperty('soft_logout')
    await after.stop()
  })

  it('is refused if there is no server', async () => {
    const { code, stderr } = await runScript('account', ['logout', '--everyone', '--data-dir', newFolder()])
    expect([code, stderr]).toEqual([1, expect.stringContaining('keys.json is missing')])
  })
})
