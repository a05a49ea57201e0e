/** `npm run move:postgres`, run as operators run it. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { api } from '../support/client.ts'
import { needing, postgresPrograms, type RealServer, startPostgres } from '../support/real-servers.ts'
import { startServer } from '../support/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'selvedge-move-'))
const run = promisify(execFile)
const move = (...args: string[]) =>
  run(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(projectRoot, 'local/commands/move-postgres.ts'), ...args],
    { env: { PATH: process.env.PATH } },
  )

describe.skipIf(!postgresPrograms)(needing('moving to a Postgres', postgresPrograms, 'postgresql'), () => {
  let postgres: RealServer
  beforeAll(async () => {
    postgres = await startPostgres()
  })
  afterAll(async () => {
    await postgres.stop()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })

  const rowsOf = async (query: string) => {
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    try {
      return (await client.query(query)).rows
    } finally {
      await client.end()
    }
  }

  it('copies every row, checks the copy, and says how to start next', async () => {
    const before = await startServer({ 'data-dir': folder, sql: undefined })
    const alice = await api(before).register('alice')
    const room = await alice.createRoom({ name: 'Loom “ü” \\ \u{1F9F5}' })
    for (let i = 0; i < 3; i += 1) await alice.say(room, `message ${i}`)
    await alice.post(`/rooms/${room}/report`, { reason: 'a try' })
    await before.stop()

    const { stdout } = await move('--data-dir', folder, '--database-url', postgres.url)
    expect(stdout).toMatch(/^accounts: 1 rows, the same on both sides$/m)
    expect(stdout).toMatch(/^events: \d+ rows, the same on both sides$/m)
    expect(stdout).toContain('start with: npm start -- ')
    expect(existsSync(join(folder, 'postgres'))).toBe(false)

    const after = await startServer({ 'data-dir': folder, sql: undefined, 'database-url': postgres.url })
    const again = await api(after).login('alice')
    await expect(api(after).register('alice')).rejects.toThrow('M_USER_IN_USE')
    await again.post(`/rooms/${room}/report`, { reason: 'after the move' })
    await after.stop()
    expect(await rowsOf('select id, reason from reports order by id')).toEqual([
      { id: '1', reason: 'a try' },
      { id: '2', reason: 'after the move' },
    ])
  })

  it.each([
    [[], 2, '--database-url is missing'],
    [['--database-url', 'URL'], 1, 'this data folder has no embedded database to move'],
    [['--bogus'], 2, 'unknown option --bogus'],
    [['--database-url', 'URL', '--ca', '/nowhere.pem'], 1, '--ca cannot be read'],
  ])('refuses %j with one line', async (args, code, line) => {
    const given = args.map((arg) => (arg === 'URL' ? postgres.url : arg))
    await expect(move('--data-dir', folder, ...given)).rejects.toMatchObject({
      code,
      stderr: expect.stringMatching(new RegExp(`^selvedge: .*${line}.*\n$`)),
    })
  })

  it('refuses a database that holds users', async () => {
    const other = mkdtempSync(join(tmpdir(), 'selvedge-move-'))
    await (await startServer({ 'data-dir': other, sql: undefined })).stop()
    await expect(move('--data-dir', other, '--database-url', postgres.url)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is not empty: name an empty database'),
    })
    expect(existsSync(join(other, 'postgres'))).toBe(true)
    rmSync(other, { recursive: true })
  })
})

describe.skipIf(!postgresPrograms)(
  needing('a role that may make nothing', postgresPrograms, 'postgresql'),
  () => {
    it('is told so in one line, with what to do', async () => {
      const postgres = await startPostgres()
      const client = new pg.Client({ connectionString: postgres.url })
      await client.connect()
      await client.query('create role poor login')
      await client.query('create database given')
      await client.end()
      const url = postgres.url.replace('postgres@', 'poor@').replace(/postgres$/, 'given')
      const failed = expect(startServer({ sql: undefined, 'database-url': url })).rejects
      await failed.toThrow(/^The role poor may not create tables in the database given: .*createdb -O poor/)
      await postgres.stop()
    })
  },
)
