/** Keys, objects, Postgres and Redis of one server belong together: parts of different servers are refused by name. */
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEmbedded } from '../../local/postgres/embedded.ts'
import { api, must, testPassword } from '../support/client.ts'
import { runScript } from '../support/command.ts'
import {
  needing,
  postgresPrograms,
  type RealServer,
  redisProgram,
  startPostgres,
  startRedis,
} from '../support/real-servers.ts'
import { objectName, startServer, type TestServer, type TestServerOptions } from '../support/server.ts'

const folders: string[] = []
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-belonging-'))
  folders.push(folder)
  return folder
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** A whole server on a folder, with databases of its own. */
const start = (folder: string, options: TestServerOptions = {}) =>
  startServer({ 'data-dir': folder, sql: undefined, ...options })

async function withServer<T>(
  folder: string,
  options: TestServerOptions,
  work: (server: TestServer) => Promise<T>,
): Promise<T> {
  const server = await start(folder, options)
  try {
    return await work(server)
  } finally {
    await server.stop()
  }
}

function copyOf(folder: string): string {
  const copy = newFolder()
  cpSync(folder, copy, { recursive: true })
  return copy
}

describe('a data folder', () => {
  const [first, second] = [newFolder(), newFolder()]
  beforeAll(async () => {
    for (const folder of [first, second]) await withServer(folder, {}, async () => {})
  })

  it('carries one id in its keys, its objects, its Postgres and its Redis, and hands it to the Worker', async () => {
    const folder = newFolder()
    await withServer(folder, {}, async () => {})
    const keys = JSON.parse(readFileSync(join(folder, 'keys.json'), 'utf8'))
    const mark = JSON.parse(readFileSync(join(folder, 'objects', 'instance.json'), 'utf8'))
    expect(keys.instance_id).toMatch(/^i_/)
    expect(mark).toEqual({ id: keys.instance_id, generation: 0, starts: 1 })
    await withServer(folder, {}, async () => {})
    const again = JSON.parse(readFileSync(join(folder, 'objects', 'instance.json'), 'utf8'))
    expect(again).toEqual({ ...mark, starts: 2 })
  })

  it('of an earlier version, whose parts carry no id, is accepted as it is', async () => {
    const folder = newFolder()
    await withServer(folder, {}, (server) => api(server).register('alice'))
    await forgetIds(folder)
    await withServer(folder, {}, async (server) => {
      await expect(api(server).register('alice')).rejects.toThrow('M_USER_IN_USE')
      await api(server).login('alice')
    })
    expect(JSON.parse(readFileSync(join(folder, 'keys.json'), 'utf8')).instance_id).toMatch(/^i_/)
  })

  it.each([
    ['objects', 'The folder '],
    ['redis.sqlite', 'The embedded Redis '],
    ['postgres', 'The embedded Postgres in '],
  ])('is refused with the %s of another', async (part, name) => {
    const [one, two] = [copyOf(first), second]
    rmSync(join(one, part), { recursive: true })
    cpSync(join(two, part), join(one, part), { recursive: true })
    await expect(start(one)).rejects.toThrow(`${name}${join(one, part)} belongs to another server`)
  })

  it('is refused with the keys of another', async () => {
    const [one, two] = [copyOf(first), second]
    cpSync(join(two, 'keys.json'), join(one, 'keys.json'))
    await expect(start(one)).rejects.toThrow('belongs to another server')
  })

  it('with users is refused if the embedded Postgres with their accounts is missing', async () => {
    const folder = newFolder()
    await withServer(folder, {}, (server) => api(server).register('alice'))
    rmSync(join(folder, 'postgres'), { recursive: true })
    await expect(start(folder)).rejects.toThrow('is empty, but the data folder holds rooms and users')
  })

  it('starts with a Redis that was emptied', async () => {
    const folder = newFolder()
    await withServer(folder, {}, (server) => api(server).register('alice'))
    for (const end of ['', '-wal', '-shm']) rmSync(join(folder, `redis.sqlite${end}`), { force: true })
    await withServer(folder, {}, (server) => api(server).login('alice'))
  })

  it('is readable by its owner alone, even what an earlier version let others read', async () => {
    const folder = newFolder()
    await withServer(folder, {}, (server) => api(server).register('alice'))
    const open = ['redis.sqlite', 'objects', 'objects/do', 'postgres', 'postgres/PG_VERSION', 'keys.json']
    const expectPrivate = (names: string[]) => {
      for (const name of names) expect([name, statSync(join(folder, name)).mode & 0o077]).toEqual([name, 0])
    }
    expectPrivate(['.', ...open])
    for (const name of open) chmodSync(join(folder, name), 0o755)
    chmodSync(folder, 0o755)
    await withServer(folder, {}, async () => expectPrivate(['.', ...open]))
  })
})

/** Takes the ids away that this version has written. */
async function forgetIds(folder: string): Promise<void> {
  const file = join(folder, 'keys.json')
  const { instance_id: _, ...keys } = JSON.parse(readFileSync(file, 'utf8'))
  writeFileSync(file, JSON.stringify(keys))
  rmSync(join(folder, 'objects', 'instance.json'))
  rmSync(join(folder, 'redis.sqlite'))
  const database = await openEmbedded(join(folder, 'postgres'))
  await database.use((connection) =>
    connection.script("drop table instance; delete from schema_migrations where name like '%_instance.sql'"),
  )
  await database.close()
}

describe.skipIf(!postgresPrograms)(needing('a Postgres server', postgresPrograms, 'postgresql'), () => {
  let postgres: RealServer
  let databases = 0
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(() => postgres.stop())

  async function newDatabase(): Promise<string> {
    databases += 1
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    await client.query(`create database d${databases}`)
    await client.end()
    return postgres.url.replace(/postgres$/, `d${databases}`)
  }

  it('that is empty is refused beside a folder with rooms and users, and nobody registers again', async () => {
    const folder = newFolder()
    await withServer(folder, {}, (server) => api(server).register('alice'))
    const url = await newDatabase()
    await expect(start(folder, { 'database-url': url })).rejects.toThrow(
      /The Postgres at 127\.0\.0\.1:\d+ \(--database-url\) is empty, .*npm run move:postgres/,
    )
    await withServer(folder, {}, (server) => api(server).login('alice'))
  })

  it('that the folder once had, before anybody registered, is refused beside users whose accounts are elsewhere', async () => {
    const [folder, url] = [newFolder(), await newDatabase()]
    await withServer(folder, { 'database-url': url }, async () => {})
    await withServer(folder, {}, (server) => api(server).register('alice'))
    await expect(start(folder, { 'database-url': url })).rejects.toThrow(
      'is empty, but the data folder holds',
    )
  })

  it('of another folder is refused, and so is a new folder beside a database in use', async () => {
    const url = await newDatabase()
    await withServer(newFolder(), { 'database-url': url }, (server) => api(server).register('bob'))
    const folder = newFolder()
    await withServer(folder, {}, (server) => api(server).register('alice'))
    await expect(start(folder, { 'database-url': url })).rejects.toThrow(
      /The Postgres at .* belongs to another server .*--database-url/,
    )
    await expect(start(newFolder(), { 'database-url': url })).rejects.toThrow(
      'keys.json is missing beside an existing database',
    )
  })

  it('of another folder gets no administrator from a command that names this folder', async () => {
    const [url, empty] = [await newDatabase(), await newDatabase()]
    await withServer(newFolder(), { 'database-url': url }, (server) => api(server).register('bob'))
    const folder = newFolder()
    await withServer(folder, {}, (server) => api(server).register('alice'))
    const create = (target: string) =>
      runScript('admin-create', ['--data-dir', folder, '--name', 'root', '--database-url', target])
    const ofAnother = await create(url)
    expect([ofAnother.code, ofAnother.stdout]).toEqual([1, ''])
    expect(ofAnother.stderr).toMatch(
      /^selvedge: The Postgres at .* belongs to another server .*--database-url\n$/,
    )
    const beside = await create(empty)
    expect([beside.code, beside.stdout]).toEqual([1, ''])
    expect(beside.stderr).toMatch(/^selvedge: The Postgres at .* is empty, but the data folder holds/)
    // Where there is no folder, as for Cloudflare, the address alone says whose it is.
    const elsewhere = ['--data-dir', newFolder(), '--name', 'root', '--database-url', url]
    expect((await runScript('admin-create', elsewhere)).code).toBe(0)
  })

  it('is used by only one server', async () => {
    const url = await newDatabase()
    const [one, two] = [newFolder(), newFolder()]
    await withServer(one, { 'database-url': url }, async () => {
      await expect(start(two, { 'database-url': url })).rejects.toThrow('is in use by another Selvedge')
    })
    await withServer(one, { 'database-url': url }, async () => {})
  })

  it('that only the Worker knows is refused by the Worker, as on Cloudflare', async () => {
    const server = await startServer({ bindings: { INSTANCE_ID: 'this-one' } })
    try {
      await server.pg("insert into instance (id) values ('another')")
      await expect(api(server).register('alice')).rejects.toThrow('503')
      await server.pg("update instance set id = 'this-one'")
      await api(server).register('alice')
    } finally {
      await server.stop()
    }
  })
})

describe.skipIf(!redisProgram)(needing('a Redis server', redisProgram, 'redis-server'), () => {
  let redis: RealServer
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())

  it('of another folder is refused by name, and another database on the same server is accepted', async () => {
    await withServer(newFolder(), { 'redis-url': redis.url }, async () => {})
    const folder = newFolder()
    await expect(start(folder, { 'redis-url': redis.url })).rejects.toThrow(
      /The Redis at .* belongs to another server .*redis:\/\/host\/1/,
    )
    await withServer(folder, { 'redis-url': `${redis.url}/1` }, async () => {})
  })
})

describe('a name whose User object has a past', () => {
  it('is never given out again, whatever the accounts say', async () => {
    const server = await startServer({ 'registration-shared-secret': 'secret' })
    try {
      await api(server).register('alice')
      await server.pg('delete from accounts')
      const available = (username: string) =>
        api(server).request('GET', '/register/available', undefined, { query: { username } })
      const asked = await available('alice')
      expect([asked.status, asked.body.errcode]).toEqual([400, 'M_USER_IN_USE'])
      const first = await api(server).request('POST', '/register', { username: 'alice', password: 'secret' })
      expect([first.status, first.body.errcode]).toEqual([400, 'M_USER_IN_USE'])
      expect((await available('carol')).body).toEqual({ available: true })
      await expect(api(server).register('alice')).rejects.toThrow('M_USER_IN_USE')
      await api(server).register('carol')
    } finally {
      await server.stop()
    }
  })

  it('is not one that was only invited by others', async () => {
    const server = await startServer()
    try {
      const alice = await api(server).register('alice')
      const room = await alice.createRoom()
      const bob = { username: 'bob', password: testPassword, auth: { type: 'm.login.dummy' } }
      must(await api(server).request('POST', '/register', { ...bob, inhibit_login: true }))
      must(await alice.invite(room, '@bob:test.example'))
      must(
        await alice.post('/keys/claim', {
          one_time_keys: { '@bob:test.example': { X: 'signed_curve25519' } },
        }),
      )
      const inBob = (query: string) =>
        server.sql('USER', objectName.user(server.serverName, '@bob:test.example'), query)
      await expect.poll(() => inBob('SELECT membership FROM rooms')).toEqual([{ membership: 'invite' }])
      // Since no object is made for a name that nobody has, one with nothing but invites is made of an account.
      await server.pg("delete from accounts where localpart = 'bob'")
      const forgotten =
        "delete from user_records where kind = 'profile' and user_id like '@bob:%' returning 1"
      await expect.poll(() => server.pg(forgotten)).toHaveLength(1)
      await inBob('DELETE FROM profile')
      await api(server).register('bob')
    } finally {
      await server.stop()
    }
  })
})
