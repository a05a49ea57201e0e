/** What follows a User object's commits: a row each. Another one is one more row. */
import type { UserLogEntry } from '../../src/ports/archive.ts'
import type { Consumer } from '../consumer.ts'
import type { SessionCopies } from './account/sessions.ts'
import { type EventOutbox, isTold } from './event-outbox.ts'
import type { UserLog } from './log.ts'
import type { Outbox } from './outbox.ts'
import type { Pushes } from './push/pushes.ts'
import type { RoomJobs } from './room-jobs.ts'

export type UserConsumer = 'archive' | 'sessions' | 'to-device' | 'push' | 'rooms' | 'events'

/** What a mutation of the user's has changed, as far as a consumer looks at it. */
export interface UserChanged {
  archive: readonly Omit<UserLogEntry, 'seq'>[]
  /** Sessions it has ended. */
  revoked?: readonly string[]
  /** There is something for other rooms, and for the user's own clients. */
  changed: boolean
  /** Everything unread counts anew. */
  counts: boolean
}

export interface ConsumerParts {
  log: UserLog
  sessions: SessionCopies
  outbox: Outbox
  pushes: Pushes
  roomJobs: RoomJobs
  events: EventOutbox
  waitUntil: (work: Promise<unknown>) => void
}

export function userConsumers(parts: ConsumerParts): Consumer<UserConsumer, UserChanged>[] {
  const { events, log, outbox, pushes, roomJobs, sessions, waitUntil } = parts
  return [
    {
      name: 'archive',
      follows: ({ archive }) => archive.length > 0,
      run: () => log.run(),
      isLeft: () => log.waiting(),
    },
    {
      name: 'sessions',
      follows: ({ revoked }) => revoked !== undefined && revoked.length > 0,
      begin: () => waitUntil(sessions.flush().catch(() => undefined)),
      run: () => sessions.run(),
      isLeft: () => sessions.waiting(),
    },
    // The request that gives it work also arms it, and waits for it.
    { name: 'to-device', run: () => outbox.run(), isLeft: () => outbox.waiting() },
    // Each pusher has a place and a backoff of its own, in its tables: a gateway that hangs holds up no other.
    {
      name: 'push',
      follows: ({ counts }) => counts,
      when: 'now',
      run: () => pushes.run(),
      isLeft: () => pushes.waiting(),
    },
    {
      name: 'rooms',
      follows: ({ changed }) => changed,
      when: 'now',
      run: () => roomJobs.run(),
      isLeft: () => roomJobs.waiting(),
    },
    {
      name: 'events',
      follows: ({ archive }) => events.isOn && isTold(archive),
      begin: () => events.tellSoon(),
      run: () => events.run(),
      isLeft: () => events.waiting(),
    },
  ]
}
