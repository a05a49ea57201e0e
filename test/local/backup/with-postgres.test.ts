/** A Postgres beside the data folder is backed up with it, as it was at the same moment, and restored anywhere. */
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { api, must } from '../../support/client.ts'
import {
  needing,
  postgresPrograms,
  type RealServer,
  redisProgram,
  startPostgres,
  startRedis,
} from '../../support/real-servers.ts'
import type { TestServer } from '../../support/server.ts'
import {
  backup,
  newFolder,
  removeFolders,
  restore,
  spoken,
  start,
  type Talk,
  talk,
  wholeBeginnings,
} from './scene.ts'

/** Ends lines for some readers of JSON, and quotes for some of SQL. */
const ODD = 'line\u2028end \\ "quoted" \'too\' \u{1f980}'

const isPossible = postgresPrograms !== undefined && redisProgram !== undefined

describe.skipIf(!isPossible)(
  needing('with Postgres and Redis beside it', isPossible ? 'both' : undefined, 'postgresql or redis-server'),
  () => {
    const folder = newFolder()
    const to = join(newFolder(), 'backup.tar.gz')
    let postgres: RealServer
    let redis: RealServer
    let scene: Talk
    let acknowledged: string[]
    let stranger: Awaited<ReturnType<ReturnType<typeof api>['register']>>

    const database = async (name: string) => {
      await rowsOf(postgres.url, `create database ${name}`)
      return Object.assign(new URL(postgres.url), { pathname: `/${name}` }).href
    }

    beforeAll(async () => {
      ;[postgres, redis] = await Promise.all([startPostgres(), startRedis()])
      const beside = { 'database-url': await database('first'), 'redis-url': redis.url }
      const server = await start(folder, beside)
      scene = await talk(server)
      await scene.alice.put(`/profile/${encodeURIComponent(scene.alice.userId)}/displayname`, {
        displayname: ODD,
      })
      await spoken(scene.said, 30)
      acknowledged = [...scene.said.events]
      const made = await backup(folder, to)
      expect([made.code, made.stderr]).toEqual([0, ''])
      expect(made.stdout).toMatch(/events: \d+ rows/)
      stranger = await api(server).register('stranger')
      must(await stranger.get('/account/whoami'))
      await scene.stop()
      await server.stop()
      rmSync(folder, { recursive: true, maxRetries: 5 })
    }, 120_000)
    afterAll(async () => {
      await Promise.all([postgres?.stop(), redis?.stop()])
      await removeFolders()
    })

    async function expectWhole(server: TestServer): Promise<void> {
      const alice = api(server).as(scene.alice)
      const ids = await wholeBeginnings(alice, scene.rooms)
      expect(acknowledged.filter((id) => !ids.has(id))).toEqual([])
      const profile = await alice.get(`/profile/${encodeURIComponent(alice.userId)}`)
      expect(must(profile).body.displayname).toBe(ODD)
      // An account of after the backup is unknown, whatever a Redis says that was not emptied.
      const answer = () => api(server).as(stranger).post('/createRoom', {})
      await expect.poll(async () => (await answer()).body.errcode).toBe('M_UNKNOWN_TOKEN')
      await alice.say(scene.rooms[0]!, 'and goes on')
    }

    it('is restored into another database, beside the Redis of before', async () => {
      const [restored, url] = [join(newFolder(), 'restored'), await database('second')]
      expect(await restore(to, restored, '--database-url', url)).toMatchObject({ code: 0, stderr: '' })
      expect(readdirSync(restored)).not.toContain('postgres')
      const server = await start(restored, { 'database-url': url, 'redis-url': redis.url })
      await expectWhole(server)
      await server.stop()
    }, 60_000)

    it('is restored into an embedded Postgres where no database is named', async () => {
      const restored = join(newFolder(), 'restored')
      expect(await restore(to, restored)).toMatchObject({ code: 0, stderr: '' })
      const server = await start(restored)
      await expectWhole(server)
      await server.stop()
    }, 60_000)

    it('is refused by a database that is used', async () => {
      const restored = join(newFolder(), 'restored')
      const used = Object.assign(new URL(postgres.url), { pathname: '/first' }).href
      const before = await rowsOf(used, 'select count(*) from accounts')
      const { code, stderr } = await restore(to, restored, '--database-url', used)
      expect([code, stderr]).toEqual([1, expect.stringContaining('is not empty: name an empty database')])
      expect(await rowsOf(used, 'select count(*) from accounts')).toEqual(before)
    })
  },
)

async function rowsOf(url: string, query: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(query)).rows
  } finally {
    await client.end()
  }
}
