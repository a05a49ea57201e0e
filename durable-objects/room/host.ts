/** What a Room lends to those of its parts that run over several turns. */
import type { Objects } from '../stubs.ts'
import type { RoomContext } from './context.ts'

export interface RoomHost {
  room: RoomContext
  objects: Objects
  /** One transaction, begun at once; what it appends goes to the consumers, and the users concerned confirm. */
  mutate<T>(work: () => T): Promise<T>
  /** Asks for the alarm at a time (ms). */
  arm(at: number): void
}
