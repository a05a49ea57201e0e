/** A partition's own tables. Append-only: a change is a new entry at the end. */
import { BATCHES_TABLE } from './batches.ts'
import { COMMITTED_TABLE } from './committed.ts'
import { ENDS_TABLE } from './ends.ts'
import { GROUPS_TABLE } from './groups.ts'
import { SOURCES_TABLE } from './sources.ts'
import { TOKENS_TABLES } from './tokens.ts'

export const PARTITION_MIGRATIONS: readonly string[] = [
  BATCHES_TABLE + ENDS_TABLE + SOURCES_TABLE + COMMITTED_TABLE + GROUPS_TABLE + TOKENS_TABLES,
]
