/** The embedded Postgres keeps the plans of statements that come again. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Database } from '../../local/postgres/database.ts'
import { openEmbedded } from '../../local/postgres/embedded.ts'

describe('the embedded Postgres', () => {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-embedded-'))
  let database: Database
  beforeAll(async () => {
    database = await openEmbedded(join(folder, 'postgres'))
    await database.use((connection) => connection.script('create table notes (note text)'))
  })
  afterAll(async () => {
    await database.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const add = 'insert into notes (note) values ($1)'
  const query = (text: string, ...params: string[]) =>
    database.use(async (connection) => (await connection.query(text, params)).rows)
  const plans = async (text: string) =>
    Number((await query('select count(*) from pg_prepared_statements where statement = $1', text))[0]?.[0])

  it('plans a statement once, however often it comes', async () => {
    for (const note of ['one', 'two', 'three']) await query(add, note)
    expect(await plans(add)).toBe(1)
  })

  it('takes a statement again that failed before', async () => {
    const divided = 'select 1 / $1::int'
    await expect(query(divided, '0')).rejects.toThrow('division by zero')
    await expect(query(divided, 'nonsense')).rejects.toThrow('invalid input syntax')
    expect(await query(divided, '1')).toEqual([['1']])
  })

  it('plans it anew once a table has changed', async () => {
    expect(await query('select * from notes limit 1')).toEqual([['one']])
    await query("alter table notes add column kind text default 'x'")
    expect(await query('select * from notes limit 1')).toEqual([['one', 'x']])
    const dated = 'insert into dated (at) values ($1)'
    await database.use((connection) => connection.script('create table dated (at text)'))
    await query(dated, 'today')
    await database.use((connection) => connection.script('drop table dated;\ncreate table dated (at bigint)'))
    await query(dated, '1')
  })

  it('takes it on the connection that follows a lost one', async () => {
    const lost = database.use(async (connection) => {
      await connection.query(add, ['four'])
      throw new Error('the connection is gone')
    })
    await expect(lost).rejects.toThrow('gone')
    await query(add, 'five')
    expect(await plans(add)).toBe(1)
  })
})
