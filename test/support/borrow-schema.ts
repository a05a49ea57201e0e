/** What `schemas.ts` lends, as a test file holds it. */
import { neon, neonConfig } from '@neondatabase/serverless'
import { inject } from 'vitest'
import type { SqlService } from '../../local/postgres/endpoint.ts'

export interface BorrowedSchema {
  /** The Neon endpoint inside it. */
  service: SqlService
  /** Rows by the Neon driver, with types. */
  query(text: string, params?: unknown[]): Promise<Record<string, unknown>[]>
  giveBack(): Promise<void>
}

/** A fresh, migrated schema of the Postgres that all test files share. */
export async function borrowSchema(): Promise<BorrowedSchema> {
  const lender = inject('schemasUrl')
  const lent = await fetch(lender, { method: 'POST' })
  if (!lent.ok) throw new Error(`no schema: ${await lent.text()}`)
  const { name } = (await lent.json()) as { name: string }
  const url = `${lender}/${name}`
  // The driver has one global endpoint: the host of its connection string tells the schemas apart.
  neonConfig.fetchEndpoint = (host: string) => `${lender}/${host}`
  const sql = neon(`postgresql://test:test@${name}/test`, { disableWarningInBrowsers: true })
  return {
    service: async ({ header, body }) => {
      const names = [
        'neon-raw-text-output',
        'neon-array-mode',
        'neon-batch-isolation-level',
        'neon-batch-read-only',
        'neon-batch-deferrable',
      ]
      const headers = names.flatMap((key) => (header(key) ? [[key, header(key)!] as [string, string]] : []))
      const answer = await fetch(url, { method: 'POST', headers, body })
      return { status: answer.status, json: await answer.json() }
    },
    query: (text, params = []) => sql.query(text, params) as Promise<Record<string, unknown>[]>,
    giveBack: async () => {
      await fetch(url, { method: 'DELETE' })
    },
  }
}
