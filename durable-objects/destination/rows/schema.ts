/** A Destination's own tables. Append-only: a change is a new entry at the end. */
import { MARKS_TABLE } from './marks.ts'

export const DESTINATION_MIGRATIONS: readonly string[] = [MARKS_TABLE]
