/** Where the parts of the contract check meet: the specification in one file, and what each test file saw. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadSpec, type Spec } from '../../local/contract/spec.ts'
import type { Seen } from './watch.ts'

/** Names the folder that holds the official OpenAPI documents. */
export const SPEC_VARIABLE = 'MATRIX_OPENAPI'

/** Set in the process of the run itself, for its reporter. */
const FOLDER_VARIABLE = 'CONTRACT_FOLDER'

/** @param within a folder that lasts as long as the run */
export function openContract(within: string): { spec: string; seen: string } | undefined {
  delete process.env[FOLDER_VARIABLE]
  const documents = process.env[SPEC_VARIABLE]
  if (!documents) return undefined
  const folder = join(within, 'contract')
  const paths = { spec: join(folder, 'spec.json'), seen: join(folder, 'seen') }
  mkdirSync(paths.seen, { recursive: true })
  writeFileSync(paths.spec, JSON.stringify(loadSpec(documents)))
  process.env[FOLDER_VARIABLE] = folder
  return paths
}

/** The specification of this run and what its files saw; nothing where the check was skipped. */
export function readContract(): { spec: Spec; seen: Seen[] } | undefined {
  const folder = process.env[FOLDER_VARIABLE]
  if (folder === undefined) return undefined
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8'))
  const seen = readdirSync(join(folder, 'seen')).sort()
  return { spec: read('spec.json'), seen: seen.map((file) => read(`seen/${file}`)) }
}
