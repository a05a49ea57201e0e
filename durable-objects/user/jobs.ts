/** What a User object does from its alarm: its consumers, and what comes with time alone. */
import type { Consumer } from '../consumer.ts'
import type { UserAccount } from './account/account.ts'
import type { UserChanged, UserConsumer } from './consumers.ts'
import type { Presence } from './presence/presence.ts'
import type { Streams } from './stream/streams.ts'

export type UserJob = UserConsumer | 'presence' | 'closing' | 'streams'

interface JobParts {
  consumers: readonly Consumer<UserConsumer, UserChanged>[]
  presence: () => Presence
  streams: () => Streams
  account: UserAccount
}

export function userJobs(parts: JobParts): Consumer<UserJob, UserChanged>[] {
  const { account, consumers, presence, streams } = parts
  return [
    ...consumers,
    {
      name: 'presence',
      run: () => presence().check(),
      isLeft: () => presence().state().presence !== 'offline',
    },
    {
      name: 'streams',
      run: () => Promise.resolve(streams().sockets.cutExpired()),
      isLeft: () => streams().sockets.cutExpired() !== undefined,
    },
    {
      name: 'closing',
      run: () => account.tellAccounts().then(() => undefined),
      isLeft: () => account.isClosing(),
    },
  ]
}
