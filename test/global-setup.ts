/** Before all tests: bundles the Worker, reads the specification, and runs one Postgres that lends each file a schema. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { openEmbedded } from '../local/postgres/embedded.ts'
import { bundleWorkers, type Workers } from '../local/runtime/bundle.ts'
import { openContract } from './contract/folder.ts'
import { lendSchemas } from './support/schemas.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where files ask for schemas: see `support/schemas.ts`. */
    schemasUrl: string
    /** The bundled Workers, or why they cannot be bundled. */
    workers: Workers | { error: string }
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-test-'))
  // What the files leave behind when they are killed, as some tests do, goes with this folder.
  process.env.TMPDIR = folder
  const contract = openContract(folder)
  if (contract !== undefined) project.provide('contract', contract)
  const database = await openEmbedded(join(folder, 'postgres'))
  const schemas = await lendSchemas(database)
  project.provide('schemasUrl', schemas.url)
  project.provide('workers', await bundled())
  return async () => {
    await schemas.close()
    await database.close()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Workers that do not bundle fail the tests that need them, and no others. */
export async function bundled(): Promise<Workers | { error: string }> {
  try {
    return await bundleWorkers()
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}
