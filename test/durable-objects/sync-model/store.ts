/** What a User object has stored of heads and epochs, in memory. */
import type { Positions } from '../../../durable-objects/user/sync/heads/epochs.ts'
import type { HeadStore } from '../../../durable-objects/user/sync/heads/heads.ts'

const KEPT_EPOCHS = 4

export class ModelStore implements HeadStore {
  readonly firstEpoch = 1
  #newest: number | undefined
  readonly #notes = new Map<number, number>()
  readonly #snapshots = new Map<number, Positions>()

  newestEpoch(): number | undefined {
    return this.#newest
  }

  readEpoch(epoch: number): Positions | undefined {
    return this.#snapshots.get(epoch)
  }

  writeEpoch(epoch: number, positions: Positions): void {
    this.#newest = epoch
    this.#snapshots.set(epoch, new Map(positions))
    this.#snapshots.delete(epoch - KEPT_EPOCHS)
  }

  readNotes(): { room: number; epoch: number }[] {
    return [...this.#notes].map(([room, epoch]) => ({ room, epoch }))
  }

  writeNote(room: number, epoch: number): void {
    this.#notes.set(room, epoch)
  }

  transaction<T>(work: () => T): T {
    return work()
  }
}
