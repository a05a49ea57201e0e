/** The HTTP endpoint that the Neon driver speaks to, in front of any Postgres: text rows, batches, errors with their fields. */
import pg from 'pg'
import * as z from 'zod'
import type { JsonAnswer } from '../runtime/service.ts'
import { codeOf, messageOf } from '../start-error.ts'
import type { Connection, Database, RawResult } from './database.ts'

export interface SqlRequest {
  /** A request header by its lower-case name. */
  header(name: string): string | null | undefined
  body: string
}

/** Answers one request of the driver. */
export type SqlService = (request: SqlRequest) => Promise<JsonAnswer>

const Param = z
  .union([z.string(), z.null(), z.number(), z.boolean()])
  .transform((value) => (value === null ? null : String(value)))
const Statement = z.object({ query: z.string(), params: z.array(Param).default([]) })
const Body = z.union([z.object({ queries: z.array(Statement) }), Statement])

const isolationLevels: Record<string, string> = {
  ReadUncommitted: 'READ UNCOMMITTED',
  ReadCommitted: 'READ COMMITTED',
  RepeatableRead: 'REPEATABLE READ',
  Serializable: 'SERIALIZABLE',
}

/** The fields of an error that the driver reads from a 400. */
const errorFields = [
  'severity',
  'code',
  'detail',
  'hint',
  'position',
  'internalPosition',
  'internalQuery',
  'where',
  'schema',
  'table',
  'column',
  'dataType',
  'constraint',
  'file',
  'line',
  'routine',
] as const

/** The endpoint in front of `database`. */
export function sqlEndpoint(database: Database): SqlService {
  return async (request) => {
    const body = Body.safeParse(parseJson(request.body))
    if (!body.success)
      return { status: 400, json: { message: 'the body is neither {query, params} nor {queries}' } }
    for (const name of ['neon-raw-text-output', 'neon-array-mode']) {
      // Anything else would need the values to be parsed here, which loses what JSON cannot say.
      if (request.header(name) !== 'true')
        return { status: 400, json: { message: `only ${name}: true is served` } }
    }
    const begin = beginStatement(request)
    if (begin === undefined) return { status: 400, json: { message: 'unknown isolation level' } }
    const statements = 'queries' in body.data ? body.data.queries : undefined
    const single = 'queries' in body.data ? undefined : body.data
    try {
      const json = await database.use(async (connection) => {
        if (single) return answerOf(await connection.query(single.query, single.params))
        return { results: await transaction(connection, begin, statements ?? []) }
      })
      return { status: 200, json }
    } catch (error) {
      return failure(error)
    }
  }
}

async function transaction(connection: Connection, begin: string, statements: z.infer<typeof Statement>[]) {
  const results = []
  await connection.script(begin)
  try {
    for (const { query, params } of statements) results.push(answerOf(await connection.query(query, params)))
    await connection.script('COMMIT')
    return results
  } catch (error) {
    // On a lost connection there is nothing to roll back, and the first error is the one to tell.
    await connection.script('ROLLBACK').catch(() => {})
    throw error
  }
}

function beginStatement(request: SqlRequest): string | undefined {
  const level = request.header('neon-batch-isolation-level')
  if (level && !isolationLevels[level]) return undefined
  const words = ['BEGIN']
  if (level) words.push(`ISOLATION LEVEL ${isolationLevels[level]}`)
  if (request.header('neon-batch-read-only') === 'true') words.push('READ ONLY')
  if (request.header('neon-batch-deferrable') === 'true') words.push('DEFERRABLE')
  return words.join(' ')
}

function answerOf({ command, rowCount, fields, rows }: RawResult) {
  return { command, rowCount, fields, rows }
}

function failure(error: unknown): JsonAnswer {
  if (!(error instanceof pg.DatabaseError))
    return { status: 503, json: { message: messageOf(error), code: codeOf(error) } }
  const json: Record<string, string> = { message: error.message }
  for (const field of errorFields) if (error[field] !== undefined) json[field] = error[field]
  return { status: 400, json }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
