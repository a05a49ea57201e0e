/** Lends schemas of one Postgres to test files over loopback HTTP: an embedded Postgres takes too much memory to have many. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { runMigrations } from '../../local/migrations.ts'
import { migrationsFolder } from '../../local/paths.ts'
import type { Database } from '../../local/postgres/database.ts'
import { type SqlService, sqlEndpoint } from '../../local/postgres/endpoint.ts'
import type { JsonAnswer } from '../../local/runtime/service.ts'

export interface Lender {
  url: string
  close(): Promise<void>
}

/**
 * Serves `POST /` (a fresh, migrated schema; answers its name), `POST /<name>` (the Neon endpoint
 * inside it) and `DELETE /<name>`.
 */
export async function lendSchemas(database: Database): Promise<Lender> {
  const endpoints = new Map<string, SqlService>()
  let made = 0
  const within = schemasOf(database)
  const lend = async (): Promise<JsonAnswer> => {
    made += 1
    const name = `test_${made}`
    await database.use((connection) => connection.script(`create schema ${name}`))
    const schema = within(name)
    await runMigrations(schema, migrationsFolder)
    endpoints.set(name, sqlEndpoint(schema))
    return { status: 200, json: { name } }
  }
  const takeBack = async (name: string): Promise<JsonAnswer> => {
    endpoints.delete(name)
    await database.use((connection) => connection.script(`drop schema ${name} cascade`))
    return { status: 200, json: {} }
  }
  const answer = async (request: IncomingMessage): Promise<JsonAnswer> => {
    const name = request.url!.slice(1)
    if (name === '') return lend()
    const endpoint = endpoints.get(name)
    if (!endpoint) return { status: 404, json: { message: `no schema ${name}` } }
    if (request.method === 'DELETE') return takeBack(name)
    return endpoint({ header: (header) => request.headers[header]?.toString(), body: await text(request) })
  }
  const server = createServer(async (request, response) => {
    const { status, json } = await answer(request).catch((error: Error) => ({
      status: 500,
      json: { message: error.message },
    }))
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** The same database, where unqualified names mean a schema. Safe because its users come one at a time. */
function schemasOf(database: Database): (schema: string) => Database {
  let current = ''
  return (schema) => ({
    use: (work) =>
      database.use(async (connection) => {
        if (current !== schema) await connection.script(`set search_path to ${schema}, public`)
        current = schema
        return work(connection)
      }),
    close: async () => {},
  })
}
