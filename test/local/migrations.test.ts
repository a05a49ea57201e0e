/** The runner of migrations: once each, whole or not at all, on any Postgres. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { runMigrations } from '../../local/migrations.ts'
import { migrationsFolder } from '../../local/paths.ts'
import type { Database } from '../../local/postgres/database.ts'
import { openEmbedded } from '../../local/postgres/embedded.ts'
import { openServer } from '../../local/postgres/server.ts'
import { needing, postgresPrograms, startPostgres } from '../support/real-servers.ts'

interface Opened {
  database: Database
  /** A second way in, as another process has it. */
  second: Database
  close(): Promise<void>
}

const scratch = mkdtempSync(join(tmpdir(), 'selvedge-migrations-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

async function embedded(): Promise<Opened> {
  const database = await openEmbedded(join(scratch, 'postgres'))
  return { database, second: database, close: () => database.close() }
}

async function real(): Promise<Opened> {
  const server = await startPostgres()
  const [database, second] = [await openServer(server.url), await openServer(server.url)]
  return {
    database,
    second,
    async close() {
      await database.close()
      await second.close()
      await server.stop()
    },
  }
}

const kinds = [
  { title: 'the embedded Postgres', open: embedded, missing: false },
  {
    title: needing('a real Postgres', postgresPrograms, 'postgresql'),
    open: real,
    missing: !postgresPrograms,
  },
]

describe.each(kinds)('migrations of $title', ({ open, missing }) => {
  describe.skipIf(missing)('in order', () => {
    let opened: Opened
    let folder: string

    const write = (name: string, sql: string) => writeFileSync(join(folder, name), sql)
    const rows = async (sql: string) =>
      (await opened.database.use((connection) => connection.query(sql))).rows

    beforeAll(async () => {
      opened = await open()
    })
    afterAll(() => opened.close())
    beforeEach(async () => {
      folder = mkdtempSync(join(scratch, 'files-'))
      await opened.database.use((connection) =>
        connection.script('drop schema public cascade; create schema public'),
      )
      write(
        '0001_first.sql',
        'create table letters (letter text primary key); insert into letters values ($$a$$);',
      )
      write('0002_second.sql', "insert into letters values ('b');")
    })

    it('are applied once, however often they are run', async () => {
      expect(await runMigrations(opened.database, folder)).toEqual(['0001_first.sql', '0002_second.sql'])
      expect(await runMigrations(opened.database, folder)).toEqual([])
      write('0003_third.sql', "insert into letters values ('c');")
      expect(await runMigrations(opened.database, folder)).toEqual(['0003_third.sql'])
      expect(await rows('select letter from letters order by letter')).toEqual([['a'], ['b'], ['c']])
    })

    it('are applied once when two run at once', async () => {
      const runs = [opened.database, opened.second, opened.second].map((database) =>
        runMigrations(database, folder),
      )
      const applied = await Promise.all(runs)
      expect(applied.flat().sort()).toEqual(['0001_first.sql', '0002_second.sql'])
      expect(await rows('select count(*) from letters')).toEqual([['2']])
    })

    it('undo a file that fails, and keep the files before it', async () => {
      write('0003_wrong.sql', "insert into letters values ('c'); insert into nowhere values (1);")
      await expect(runMigrations(opened.database, folder)).rejects.toThrow(
        'Migration 0003_wrong.sql failed: relation "nowhere" does not exist',
      )
      expect(await rows('select letter from letters order by letter')).toEqual([['a'], ['b']])
      expect(await rows('select name from schema_migrations order by name')).toEqual([
        ['0001_first.sql'],
        ['0002_second.sql'],
      ])
    })

    it('leave the connection usable and the lock free if a file fails', async () => {
      write('0003_wrong.sql', 'insert into nowhere values (1);')
      await opened.database.use(async (connection) => {
        const same: Database = { use: (work) => work(connection), close: async () => {} }
        await expect(runMigrations(same, folder)).rejects.toThrow('0003_wrong.sql failed')
        expect((await connection.query('select letter from letters order by letter')).rows).toHaveLength(2)
        const held = "select 1 from pg_locks where locktype = 'advisory'"
        expect((await connection.query(held)).rows).toEqual([])
      })
    })

    it('refuse a file that was changed or is gone', async () => {
      await runMigrations(opened.database, folder)
      write('0002_second.sql', "insert into letters values ('x');")
      await expect(runMigrations(opened.database, folder)).rejects.toThrow('0002_second.sql was changed')
      rmSync(join(folder, '0002_second.sql'))
      await expect(runMigrations(opened.database, folder)).rejects.toThrow(
        'has had migration 0002_second.sql',
      )
    })

    it('of the project can be applied', async () => {
      expect((await runMigrations(opened.database, migrationsFolder)).length).toBeGreaterThan(0)
      expect(await runMigrations(opened.database, migrationsFolder)).toEqual([])
    })
  })
})
