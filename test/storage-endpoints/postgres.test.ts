/** The local Postgres endpoint, seen through Neon's real driver: the same against the embedded and a real server. */
import { NeonDbError, type NeonQueryFunction, neon, neonConfig } from '@neondatabase/serverless'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, openPool } from '../../local/postgres/database.ts'
import { type SqlService, sqlEndpoint } from '../../local/postgres/endpoint.ts'
import { borrowSchema } from '../support/borrow-schema.ts'
import { needing, postgresPrograms, type RealServer, startPostgres } from '../support/real-servers.ts'

type Sql = NeonQueryFunction<false, false>

interface Opened {
  service: SqlService
  close(): Promise<void>
}

/** The driver over `service`, without a network. The driver's settings are global: a suite sets them for its tests. */
function driverOver(service: SqlService): Sql {
  neonConfig.fetchEndpoint = 'http://postgres.local/sql'
  neonConfig.fetchFunction = async (_url: string, init: RequestInit) => {
    const headers = new Headers(init.headers)
    const { status, json } = await service({ header: (name) => headers.get(name), body: String(init.body) })
    return Response.json(json, { status })
  }
  return neon('postgresql://a:b@c/d', { disableWarningInBrowsers: true })
}

async function embedded(): Promise<Opened> {
  const { service, giveBack } = await borrowSchema()
  return { service, close: giveBack }
}

async function real(): Promise<Opened> {
  const server: RealServer = await startPostgres()
  const database: Database = openPool({ connectionString: server.url, max: 8 })
  return {
    service: sqlEndpoint(database),
    async close() {
      await database.close()
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

/** Each column type that the migrations use: what is written, and what the driver reads back. */
const types: { type: string; written: unknown; read: unknown }[] = [
  { type: 'text', written: "it's “quoted”\\ \n\t€ 😀", read: "it's “quoted”\\ \n\t€ 😀" },
  { type: 'text', written: '', read: '' },
  { type: 'smallint', written: -32768, read: -32768 },
  { type: 'integer', written: 2147483647, read: 2147483647 },
  { type: 'bigint', written: '9007199254740993', read: '9007199254740993' },
  { type: 'double precision', written: 0.1, read: 0.1 },
  { type: 'boolean', written: true, read: true },
  { type: 'boolean', written: false, read: false },
  {
    type: 'timestamptz',
    written: new Date('2026-07-22T10:11:12.345Z'),
    read: new Date('2026-07-22T10:11:12.345Z'),
  },
  {
    type: 'jsonb',
    written: { b: [1, null, 'x'], a: { nested: true } },
    read: { a: { nested: true }, b: [1, null, 'x'] },
  },
  { type: 'json', written: '{"b":1,"a":2}', read: { b: 1, a: 2 } },
  {
    type: 'text[]',
    written: ['a', 'with "quotes", commas', 'NULL', ''],
    read: ['a', 'with "quotes", commas', 'NULL', ''],
  },
  { type: 'bigint[]', written: ['1', '9007199254740993'], read: ['1', '9007199254740993'] },
  { type: 'bytea', written: Buffer.from([0, 1, 0xff, 0x5c]), read: Buffer.from([0, 1, 0xff, 0x5c]) },
]

describe.each(kinds)('$title', ({ open, missing }) => {
  describe.skipIf(missing)('through the Neon driver', () => {
    let opened: Opened
    let sql: Sql

    beforeAll(async () => {
      opened = await open()
      sql = driverOver(opened.service)
      await sql.query(`create table contract (
        id integer primary key, label text not null, constraint label_known check (label <> 'wrong'))`)
    })
    afterAll(() => opened.close())

    it.each(types)('keeps a value of type $type: $written', async ({ type, written, read }) => {
      await sql.query(`create table typed (value ${type})`)
      try {
        await sql.query('insert into typed values ($1)', [written])
        expect(await sql.query('select value from typed')).toEqual([{ value: read }])
      } finally {
        await sql.query('drop table typed')
      }
    })

    it.each([...new Set(types.map(({ type }) => type))])('keeps NULL of type %s', async (type) => {
      expect(await sql.query(`select $1::${type} as value`, [null])).toEqual([{ value: null }])
    })

    it('keeps JSON text as it was written', async () => {
      const rows = await sql.query(`select $1::json::text as value`, ['{"b": 1,  "a":1e2}'])
      expect(rows).toEqual([{ value: '{"b": 1,  "a":1e2}' }])
    })

    it('tells command, count and fields', async () => {
      const result = await sql.query('insert into contract values (100, $1), (101, $1)', ['x'], {
        fullResults: true,
      })
      expect(result).toMatchObject({ command: 'INSERT', rowCount: 2, rows: [] })
      const selected = await sql.query('select id, label from contract where id = 100', [], {
        fullResults: true,
      })
      expect(selected).toMatchObject({
        command: 'SELECT',
        rowCount: 1,
        fields: [
          { name: 'id', dataTypeID: 23 },
          { name: 'label', dataTypeID: 25 },
        ],
      })
    })

    it.each([
      [
        'a duplicate key',
        'insert into contract values (100, $1)',
        ['x'],
        {
          code: '23505',
          constraint: 'contract_pkey',
          table: 'contract',
          severity: 'ERROR',
          detail: 'Key (id)=(100) already exists.',
        },
      ],
      [
        'a NULL where none may be',
        'insert into contract values (102, $1)',
        [null],
        { code: '23502', column: 'label' },
      ],
      [
        'a failed check',
        'insert into contract values (102, $1)',
        ['wrong'],
        { code: '23514', constraint: 'label_known' },
      ],
      ['a missing table', 'select * from nowhere', [], { code: '42P01', position: '15' }],
      ['a syntax error', 'selec 1', [], { code: '42601', position: '1' }],
      ['text that is no number', 'select $1::integer', ['abc'], { code: '22P02' }],
      ['two statements in one', 'select 1; select 2', [], { code: '42601' }],
    ])('tells the fields of %s', async (_title, text, params, fields) => {
      const error = await sql.query(text, params).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(NeonDbError)
      expect(error).toMatchObject(fields)
    })

    it('commits a transaction and answers each of its statements', async () => {
      const results = await sql.transaction([
        sql.query('insert into contract values (1, $1)', ['one']),
        sql.query('update contract set label = $1 where id = 1 returning label', ['uno']),
        sql.query('select count(*)::integer as n from contract where id < 10'),
      ])
      expect(results).toEqual([[], [{ label: 'uno' }], [{ n: 1 }]])
    })

    it('undoes the whole transaction when one statement fails, and serves on', async () => {
      const failing = sql.transaction([
        sql.query('insert into contract values (2, $1)', ['two']),
        sql.query('insert into contract values (1, $1)', ['again']),
      ])
      await expect(failing).rejects.toMatchObject({ code: '23505' })
      expect(await sql.query('select id from contract where id = 2')).toEqual([])
    })

    it('minds isolation level, read-only and deferrable', async () => {
      const shown = await sql.transaction(
        [
          sql.query('show transaction_isolation'),
          sql.query('show transaction_read_only'),
          sql.query('show transaction_deferrable'),
        ],
        { isolationLevel: 'Serializable', readOnly: true, deferrable: true },
      )
      expect(shown.flat()).toEqual([
        { transaction_isolation: 'serializable' },
        { transaction_read_only: 'on' },
        { transaction_deferrable: 'on' },
      ])
      const level = await sql.transaction([sql.query('show transaction_isolation')], {
        isolationLevel: 'RepeatableRead',
      })
      expect(level.flat()).toEqual([{ transaction_isolation: 'repeatable read' }])
      const writing = sql.transaction([sql.query('delete from contract')], { readOnly: true })
      await expect(writing).rejects.toMatchObject({ code: '25006' })
    })

    it('gives each of many requests at once its own answer', async () => {
      const asked = Array.from({ length: 60 }, (_, n) => n)
      const answers = await Promise.all(
        asked.map((n) =>
          n % 3 === 0
            ? sql.transaction([sql.query('select $1::integer as n', [n])]).then(([rows]) => rows)
            : sql.query('select $1::integer as n', [n]),
        ),
      )
      expect(answers).toEqual(asked.map((n) => [{ n }]))
    })

    it('refuses a body that is none of the driver’s', async () => {
      const raw = (body: string, mode = 'true') => opened.service({ header: () => mode, body })
      expect((await raw('{"query": 1}')).status).toBe(400)
      expect((await raw('nonsense')).status).toBe(400)
      expect((await raw('{"query": "select 1"}', 'false')).status).toBe(400)
    })
  })
})

describe('a Postgres that cannot be reached', () => {
  it('is a failure without a code', async () => {
    const database = openPool({ host: '127.0.0.1', port: 1 })
    const sql = driverOver(sqlEndpoint(database))
    const error = await sql.query('select 1').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(NeonDbError)
    expect(error).toMatchObject({ message: expect.stringContaining('503') })
    expect((error as NeonDbError).code).toBeFalsy()
    await database.close()
  })
})
