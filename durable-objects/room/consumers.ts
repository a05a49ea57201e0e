/** What follows a Room's commits: a row each. Another one (a destination, an application service) is one more row. */
import { type Consumer, QUIET_MS } from '../consumer.ts'
import type { Changed } from './context.ts'
import type { RoomJob } from './host.ts'
import type { RoomArchive } from './tell/archive.ts'
import type { DestinationTeller } from './tell/destinations.ts'
import type { EventTeller } from './tell/event-teller.ts'
import type { MemberFeed } from './tell/member-feed.ts'
import type { PushTeller } from './tell/push-teller.ts'
import type { Subscribers } from './tell/subscribers.ts'

interface Parts {
  /** The subscribers; those found behind the room's head have been woken again. */
  subscribers: () => Subscribers
  feed: MemberFeed
  pushes: PushTeller
  /** Absent where there is no federation. */
  destinations: DestinationTeller | undefined
  archive: RoomArchive
  /** Absent where the event stream is off. */
  events: EventTeller | undefined
}

/** Up to so many subscribers receipts wait for company as typing does; each further one is worth so many ms, up to a bound. */
const FEW = 20
const MS_EACH = 50
const LONGEST_MS = 5_000

/** How long receipts wait, ms: the more there are to be told, the more are told together (decision 18). */
export function receiptsWait(subscribers: number): number {
  return Math.min(LONGEST_MS, QUIET_MS + MS_EACH * Math.max(0, subscribers - FEW))
}

export function roomConsumers({
  subscribers,
  feed,
  pushes,
  destinations,
  archive,
  events,
}: Parts): Consumer<RoomJob, Changed>[] {
  return [
    // Each subscriber has a watermark of its own. Subscribers that an incarnation left behind are woken at the next
    // call.
    { name: 'wake', follows: isSeen, run: async () => subscribers().retry() },
    {
      name: 'quiet',
      when: 'quiet',
      follows: ({ receiptsMoved, typingChanged }) => receiptsMoved || typingChanged,
      quietMs: ({ typingChanged }) => (typingChanged ? QUIET_MS : receiptsWait(subscribers().count)),
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
    ...(destinations === undefined ? [] : [destinationConsumer(destinations)]),
    ...(events === undefined ? [] : [streamConsumer(events)]),
  ]
}

/** A room in which nobody of another server ever was never runs it. */
function destinationConsumer(destinations: DestinationTeller): Consumer<RoomJob, Changed> {
  return {
    name: 'destinations',
    when: 'now',
    follows: (change) => destinations.follows(change),
    run: () => destinations.run(),
    isLeft: () => destinations.isLeft(),
  }
}

/** It reads the log that the archive reads, and its alarm is the archive's. */
function streamConsumer(events: EventTeller): Consumer<RoomJob, Changed> {
  return {
    name: 'events',
    follows: ({ appended, logged, receiptsMoved }) => appended.length > 0 || logged || receiptsMoved,
    begin: () => events.tellSoon(),
    run: () => events.run(),
    isLeft: () => events.isLeft(),
  }
}

/** Whether a syncing client can see the change. */
function isSeen(change: Changed): boolean {
  return change.receiptsMoved || change.marked || changesEvents(change)
}

function changesEvents({ appended, moved, rewritten }: Changed): boolean {
  return appended.length > 0 || rewritten || moved
}
