/** A fresh, migrated schema of the tests' Postgres, behind the adapter that the server uses. */
import { inject } from 'vitest'
import { postgres, type Sql } from '../../../src/storage/postgres/client.ts'
import { world } from '../../support/world.ts'

export interface Borrowed {
  sql: Sql
  giveBack(): Promise<void>
}

export async function borrowPostgres(): Promise<Borrowed> {
  const lender = inject('schemasUrl')
  const { name } = (await (await fetch(lender, { method: 'POST' })).json()) as { name: string }
  const endpoint = `${lender}/${name}`
  const sql = postgres({ url: `postgresql://test:test@${name}/test`, endpoint, fetch }, world())
  return {
    sql,
    giveBack: async () => {
      await fetch(endpoint, { method: 'DELETE' })
    },
  }
}
