/** The databases that the stores are tested on: the embedded Postgres, and a real server where one is installed. */
import { inject } from 'vitest'
import { runMigrations } from '../../../local/migrations.ts'
import { migrationsFolder } from '../../../local/paths.ts'
import { type SqlService, sqlEndpoint } from '../../../local/postgres/endpoint.ts'
import { openServer } from '../../../local/postgres/server.ts'
import { type PostgresTarget, postgres, type Sql } from '../../../src/storage/postgres/client.ts'
import { needing, postgresPrograms, startPostgres } from '../../support/real-servers.ts'
import { world } from '../../support/world.ts'

export interface OpenDatabase {
  /** The adapter that the server uses, over a fresh, migrated schema. */
  sql: Sql
  close(): Promise<void>
}

interface TestedDatabase {
  title: string
  skip: boolean
  open(): Promise<OpenDatabase>
}

export const databases: TestedDatabase[] = [
  { title: 'the embedded Postgres', skip: false, open: borrowEmbedded },
  {
    title: needing('a Postgres server', postgresPrograms, 'postgresql'),
    skip: postgresPrograms === undefined,
    open: startReal,
  },
]

const adapter = (target: PostgresTarget) => postgres(target, world())

async function borrowEmbedded(): Promise<OpenDatabase> {
  const lender = inject('schemasUrl')
  const { name } = (await (await fetch(lender, { method: 'POST' })).json()) as { name: string }
  const endpoint = `${lender}/${name}`
  return {
    sql: adapter({ url: `postgresql://test:test@${name}/test`, endpoint, fetch }),
    async close() {
      await fetch(endpoint, { method: 'DELETE' })
    },
  }
}

async function startReal(): Promise<OpenDatabase> {
  const server = await startPostgres()
  const database = await openServer(server.url)
  await runMigrations(database, migrationsFolder)
  return {
    sql: adapter({ url: server.url, endpoint: 'http://postgres', fetch: fetchFrom(sqlEndpoint(database)) }),
    async close() {
      await database.close()
      await server.stop()
    },
  }
}

/** A `fetch` that asks the endpoint without a network between. */
function fetchFrom(service: SqlService): typeof fetch {
  return async (_, init) => {
    const headers = new Headers(init?.headers)
    const { status, json } = await service({
      header: (name) => headers.get(name) ?? undefined,
      body: String(init?.body),
    })
    return Response.json(json, { status })
  }
}
