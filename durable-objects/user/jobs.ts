/** What a User object does from its alarm. */
import type { ArchiveStore } from '../../src/ports/archive.ts'
import type { Clock } from '../../src/ports/system.ts'
import type { TimedJob } from '../timers.ts'
import type { UserAccount } from './account/account.ts'
import type { SessionCopies } from './account/sessions.ts'
import type { UserLog } from './log.ts'
import type { Outbox } from './outbox.ts'
import type { Presence } from './presence/presence.ts'
import type { Pushes } from './push/pushes.ts'

export type UserJob = 'archive' | 'sessions' | 'presence' | 'closing' | 'to-device' | 'push' | 'rooms'

interface JobParts {
  userId: () => string
  clock: Clock
  archive: ArchiveStore
  log: UserLog
  sessions: SessionCopies
  presence: () => Presence
  account: UserAccount
  outbox: Outbox
  pushes: Pushes
}

export function userJobs(parts: JobParts): TimedJob<UserJob>[] {
  const { account, archive, clock, log, outbox, presence, pushes, sessions, userId } = parts
  const { jobs } = account
  return [
    { name: 'archive', run: () => whole(log.flush(userId(), archive)), isLeft: () => log.waiting() },
    { name: 'sessions', run: () => whole(sessions.flush()), isLeft: () => sessions.waiting() },
    {
      name: 'presence',
      run: () => presence().check(),
      isLeft: () => presence().state().presence !== 'offline',
    },
    { name: 'closing', run: () => whole(account.tellAccounts()), isLeft: () => account.isClosing() },
    { name: 'to-device', run: () => whole(outbox.deliver()), isLeft: () => outbox.waiting() },
    { name: 'push', run: () => pushes.run(), isLeft: () => pushes.waiting() },
    {
      name: 'rooms',
      run: async () => ((await jobs.run()) ? clock.now() : undefined),
      isLeft: () => jobs.waiting(),
    },
  ]
}

/** Work that leaves nothing to be done later. */
async function whole(work: Promise<void>): Promise<undefined> {
  await work
  return undefined
}
