/** What a Room lends to those of its parts that run over several turns. */
import type { Peers } from '../peers.ts'
import type { RoomContext, RoomWriter } from './context.ts'

/** What a Room does from its alarm. */
export type RoomJob =
  | 'wake'
  | 'typing'
  | 'feed'
  | 'rebuild'
  | 'delayed'
  | 'upgrade'
  | 'push'
  | 'erase'
  | 'archive'

export interface RoomHost {
  room: RoomContext
  objects: Peers
  /** One mutation, begun at once; what it appends goes to the consumers, and the users concerned confirm. */
  mutate<T>(work: (change: RoomWriter) => T): Promise<T>
  /** Has one of the object's jobs run at a time (ms). */
  arm(job: RoomJob, at: number): void
}
