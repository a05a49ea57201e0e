/** What a User object does from its alarm: its consumers, and what comes with time alone. */
import type { Consumer } from '../consumer.ts'
import type { UserAccount } from './account/account.ts'
import { type ConsumerParts, type UserChanged, type UserConsumer, userConsumers } from './consumers.ts'
import type { Presence } from './presence/presence.ts'
import type { Streams } from './stream/streams.ts'

export type UserJob = UserConsumer | 'presence' | 'closing' | 'streams'

interface JobParts extends Omit<ConsumerParts, 'roomJobs'> {
  presence: () => Presence
  streams: () => Streams
  account: UserAccount
}

export function userJobs(parts: JobParts): Consumer<UserJob, UserChanged>[] {
  const { account, presence, streams } = parts
  return [
    ...userConsumers({ ...parts, roomJobs: account.jobs }),
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
