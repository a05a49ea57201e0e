/** What follows a Room's commits: a row each. Another one (a destination, an application service) is one more row. */
import type { Consumer } from '../consumer.ts'
import type { Changed } from './context.ts'
import type { RoomJob } from './host.ts'
import type { RoomArchive } from './tell/archive.ts'
import type { MemberFeed } from './tell/member-feed.ts'
import type { PushTeller } from './tell/push-teller.ts'
import type { Subscribers } from './tell/subscribers.ts'

interface Parts {
  /** The subscribers; those found behind the room's head have been woken again. */
  subscribers: () => Subscribers
  feed: MemberFeed
  pushes: PushTeller
  archive: RoomArchive
}

export function roomConsumers({ subscribers, feed, pushes, archive }: Parts): Consumer<RoomJob, Changed>[] {
  return [
    // Each subscriber has a watermark of its own. Subscribers that an incarnation left behind are woken at the next
    // call.
    { name: 'wake', follows: isSeen, run: async () => subscribers().retry() },
    {
      name: 'quiet',
      when: 'quiet',
      follows: ({ receiptsMoved, typingChanged }) => receiptsMoved || typingChanged,
      run: async () => subscribers().tellQuiet(),
    },
    {
      name: 'feed',
      follows: ({ fed }) => fed.length > 0,
      run: () => feed.run(),
      isLeft: () => feed.isLeft(),
    },
    {
      name: 'push',
      follows: (change) => change.receiptsMoved || changesEvents(change),
      begin: () => pushes.tellSoon(),
      run: () => pushes.run(),
      isLeft: () => pushes.isLeft(),
    },
    {
      name: 'archive',
      follows: (change) => change.logged || isSeen(change),
      run: () => archive.run(),
      isLeft: () => archive.isLeft(),
    },
  ]
}

/** Whether a syncing client can see the change. */
function isSeen(change: Changed): boolean {
  return change.receiptsMoved || change.devicesMarked || changesEvents(change)
}

function changesEvents({ appended, rewritten }: Changed): boolean {
  return appended.length > 0 || rewritten
}
