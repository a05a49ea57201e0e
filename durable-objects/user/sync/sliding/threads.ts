/** What sliding sync tells of threads that the user begins or ceases to follow (MSC4308). */
import type { ThreadChanges } from '../../../../src/objects/user/settings.ts'
import type { SlidingExtensions, THREADS } from '../../../../src/objects/user/sliding.ts'
import { threadChanges } from '../../settings/thread-changes.ts'
import { isInitial, type Span } from '../streams/stream.ts'

/** "Defaults to 100." */
const AT_ONCE = 100

/** The newest changes in a span; undefined: they are not asked for. */
export function toldThreads(
  sql: SqlStorage,
  span: Span,
  asked: SlidingExtensions[typeof THREADS],
): ThreadChanges | undefined {
  if (asked === undefined) return undefined
  const after = isInitial(span) ? undefined : span.since
  return threadChanges(sql, { after, from: undefined, limit: asked.limit ?? AT_ONCE })
}
