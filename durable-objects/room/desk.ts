/** What the RPC tables of a Room work with. */
import type { Timers } from '../timers.ts'
import type { RoomContext, RoomReader, RoomWriter } from './context.ts'
import type { RoomJob } from './host.ts'
import type { LongWork } from './long-work.ts'
import type { Typing } from './rows/members/typing.ts'
import type { RoomPresence } from './tell/presence.ts'
import type { Subscribers } from './tell/subscribers.ts'

/** What the table of reads works with: nothing in it can write. */
export interface ReadDesk {
  room: RoomReader
}

export interface RoomDesk extends ReadDesk {
  room: RoomContext
  typing: Typing
  presence: RoomPresence
  timers: Timers<RoomJob>
  life: LongWork
  /** One mutation, whose events go to the consumers. */
  mutate<T>(work: (change: RoomWriter) => T): T
  /** As `mutate`; answers once the users concerned have confirmed, or after two seconds. */
  mutateAndFeed<T>(work: (change: RoomWriter) => T): Promise<T>
  /** Runs a mutation of the list of typing users, which answers whether it changed; if so, everybody is told. */
  changeTyping(work: (list: Typing) => boolean): void
  /** Answers when the archive knows what the room has so far, or after two seconds. */
  archived(): Promise<void>
  /** The subscribers, read when first needed. */
  subscribers(): Subscribers
  /** The subscribers. Those found behind the room's head have been woken again. */
  started(): Subscribers
}
