/** Which files run again with evictions: all of the objects, the faults and the client API but for a few. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../../local/paths.ts'

const FOLDERS = ['test/durable-objects', 'test/faults', 'test/workers/client']

const noServer = 'has no server'
const staysAwake = 'its servers stay awake, as they say'

/** What is left out, and why: a second run would show nothing new. */
export const LEFT_OUT: Record<string, string> = {
  'test/durable-objects/at-rest.test.ts': staysAwake,
  'test/durable-objects/backoff.test.ts': noServer,
  'test/durable-objects/consumer.test.ts': noServer,
  'test/durable-objects/cost.test.ts': staysAwake,
  'test/durable-objects/fresh-tables.test.ts': noServer,
  'test/durable-objects/room/event-rounds.test.ts': noServer,
  'test/durable-objects/room/federation/archived-forks.test.ts': noServer,
  'test/durable-objects/room/federation/join-memory.test.ts': noServer,
  'test/durable-objects/room/federation/joined-room.test.ts': staysAwake,
  'test/durable-objects/room/federation/lossy-network.test.ts': noServer,
  'test/durable-objects/room/federation/random-delivery.test.ts': noServer,
  'test/durable-objects/room/federation/received-bounds.test.ts': noServer,
  'test/durable-objects/room/federation/received.test.ts': noServer,
  'test/durable-objects/room/federation/rebuilt-forks.test.ts': staysAwake,
  'test/durable-objects/room/federation/redacted-state.test.ts': noServer,
  'test/durable-objects/room/federation/remote-join.test.ts': noServer,
  'test/durable-objects/room/federation/slow-calls.test.ts': noServer,
  'test/durable-objects/room/federation/soft-failed.test.ts': noServer,
  'test/durable-objects/room/held-news.test.ts': noServer,
  'test/durable-objects/room/place.test.ts': noServer,
  'test/durable-objects/room/reading.test.ts': noServer,
  'test/durable-objects/room/recent.test.ts': noServer,
  'test/durable-objects/room/rows/caches.test.ts': noServer,
  'test/durable-objects/room/rows/recall.test.ts': noServer,
  'test/durable-objects/rows-left.test.ts': staysAwake,
  'test/durable-objects/rpc-rows.test.ts': noServer,
  'test/durable-objects/rpc-table.test.ts': noServer,
  'test/durable-objects/sync-interleavings.test.ts': staysAwake,
  'test/durable-objects/sync-model/sync-model.test.ts': noServer,
  'test/durable-objects/user/admission.test.ts': noServer,
  'test/durable-objects/user/archived-removals.test.ts': noServer,
  'test/durable-objects/user/gathering.test.ts': noServer,
  'test/durable-objects/lateness.test.ts': noServer,
  'test/durable-objects/wake-rounds.test.ts': noServer,
  'test/durable-objects/user/many-first-syncs.test.ts': staysAwake,
  'test/durable-objects/user/sliding-profiles.test.ts': noServer,
  'test/durable-objects/user/unread-counts.test.ts': noServer,
  'test/workers/client/events/quiet-news.test.ts': staysAwake,
  'test/workers/client/events/receipts-cost.test.ts': staysAwake,
  'test/workers/client/events/receipts.test.ts': staysAwake,
  'test/workers/client/sync/legacy-sync.test.ts': staysAwake,
  'test/workers/client/sync/presence.test.ts': staysAwake,
  'test/workers/client/sync/sliding/cost.test.ts': staysAwake,
  'test/workers/client/sync/sliding/lazy-members.test.ts': staysAwake,
  'test/workers/client/sync/sliding/thousand.test.ts': staysAwake,
  'test/workers/client/sync/sync-filters.test.ts': staysAwake,
}

/** What runs in each slice: the objects themselves, and the rules of sync. */
export const CORE: readonly (string | RegExp)[] = [
  /^test\/durable-objects\//,
  'test/faults/sync-rules.test.ts',
]

const isCore = (file: string) => CORE.some((one) => (typeof one === 'string' ? one === file : one.test(file)))

/** All that runs with evictions. */
export function allFiles(): string[] {
  const found = FOLDERS.flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' }).map(
      (name) => `${folder}/${name}`,
    ),
  )
  return found.filter((file) => file.endsWith('.test.ts') && !(file in LEFT_OUT)).sort()
}

/** The core alone. */
export const core = (files: readonly string[]): string[] => files.filter(isCore)

/** The core and, of the rest, every `count`th file from the `index`th on, from 1. */
export function slice(files: readonly string[], index: number, count: number): string[] {
  const rest = files.filter((file) => !isCore(file))
  return [...core(files), ...rest.filter((_, at) => at % count === index - 1)]
}
