/** Where each part keeps the mark by which it is known: a file beside the objects, a row in Postgres, a key in Redis. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import * as z from 'zod'
import type { DataFolder } from './data-folder.ts'
import type { Mark, Parts } from './parts.ts'
import type { Connection, Database } from './postgres/database.ts'
import type { RedisBackend } from './redis/backend.ts'
import { StartError } from './start-error.ts'

const Marked = z.object({ id: z.string(), generation: z.int().min(0), starts: z.int().min(0) })

const REDIS_KEY = 'selvedge:instance'

/** The folder of the objects, as a part. */
export function objectsPart({ objects }: Pick<DataFolder, 'objects'>): Parts['objects'] {
  const file = join(objects, 'instance.json')
  return {
    name: `The folder ${objects}`,
    remedy: 'put its own folder in its place, or keys.json of the server it belongs to',
    used: ['Room', 'User'].some((kind) => objectFiles(objects, kind).length > 0),
    hasUsers: () => objectFiles(objects, 'User').some(isUser),
    mark: existsSync(file) ? parsed(readFileSync(file, 'utf8'), file) : undefined,
    async write(mark) {
      mkdirSync(objects, { recursive: true })
      writeFileSync(`${file}.new`, JSON.stringify(mark))
      renameSync(`${file}.new`, file)
    },
  }
}

/** A Postgres, as a part; read before its migrations, so that nothing changes in another server's. */
export async function postgresPart(
  database: Database,
  where: { name: string; remedy: string; whereAccountsAre: string },
): Promise<NonNullable<Parts['postgres']>> {
  return database.use(async (connection) => {
    const [mark] = await rowsIn(connection, 'instance', 'select id, generation, starts from instance')
    const [id, generation, starts] = mark ?? []
    return {
      ...where,
      mark: id == null ? undefined : { id, generation: Number(generation), starts: Number(starts) },
      hasAccounts: await holdsRows(connection, 'accounts'),
      hasSigned: (await holdsRows(connection, 'rooms')) || (await holdsRows(connection, 'user_records')),
      write: (mark) => database.use((inUse) => writeRow(inUse, mark)),
    }
  })
}

/** A Redis, as a part. An emptied one knows no server, and may belong to anybody. */
export async function redisPart(
  backend: RedisBackend,
  where: { name: string; remedy: string },
): Promise<Parts['redis']> {
  const [outcome] = await backend.run([['get', REDIS_KEY]], false)
  if (outcome === undefined || 'error' in outcome) {
    throw new StartError(`${where.name} cannot be used: ${outcome?.error ?? 'no answer'}`)
  }
  return {
    ...where,
    mark: typeof outcome.result === 'string' ? parsed(outcome.result, where.name) : undefined,
    async write(mark) {
      await backend.run([['set', REDIS_KEY, JSON.stringify(mark)]], false)
    },
  }
}

async function writeRow(connection: Connection, { id, generation, starts }: Mark): Promise<void> {
  await connection.query(
    `insert into instance (id, generation, starts) values ($1, $2, $3)
     on conflict (one) do update set generation = excluded.generation, starts = excluded.starts`,
    [id, String(generation), String(starts)],
  )
}

async function holdsRows(connection: Connection, table: string): Promise<boolean> {
  return (await rowsIn(connection, table, `select 1 from ${table} limit 1`)).length > 0
}

/** Nothing where the table is not there yet. */
async function rowsIn(connection: Connection, table: string, query: string): Promise<(string | null)[][]> {
  const { rows } = await connection.query('select to_regclass($1)', [table])
  return rows[0]?.[0] == null ? [] : (await connection.query(query)).rows
}

function objectFiles(objects: string, kind: string): string[] {
  const folder = join(objects, 'do', `selvedge-${kind}`)
  if (!existsSync(folder)) return []
  const files = readdirSync(folder).filter((name) => name.endsWith('.sqlite') && name !== 'metadata.sqlite')
  return files.map((name) => join(folder, name))
}

/**
 * An object that was only read from has a file, but no tables of its own. A file that cannot be read may be anybody's.
 */
function isUser(file: string): boolean {
  try {
    const database = new DatabaseSync(file, { readOnly: true })
    try {
      return database.prepare("select 1 from sqlite_master where name = 'devices'").get() !== undefined
    } finally {
      database.close()
    }
  } catch {
    return true
  }
}

function parsed(text: string, where: string): Mark {
  try {
    return Marked.parse(JSON.parse(text))
  } catch {
    throw new StartError(`${where} does not say in a readable way which server it belongs to`)
  }
}
