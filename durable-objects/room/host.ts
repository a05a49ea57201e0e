/** What a Room lends to those of its parts that run over several turns. */
import type { Peers } from '../peers.ts'
import type { RoomContext, RoomWriter } from './context.ts'

/** What a Room does from its alarm. */
export type RoomJob =
  | 'wake'
  | 'quiet'
  | 'typing'
  | 'feed'
  | 'rebuild'
  | 'delayed'
  | 'staged'
  | 'upgrade'
  | 'push'
  | 'erase'
  | 'archive'
  | 'events'
  | 'destinations'

export interface RoomHost {
  room: RoomContext
  objects: Peers
  /** Runs one mutation at once. What it appends goes to the consumers, and the users concerned confirm. */
  mutate<T>(work: (change: RoomWriter) => T): Promise<T>
  /** Schedules one of the object's jobs for a time (ms). */
  arm(job: RoomJob, at: number): void
}
