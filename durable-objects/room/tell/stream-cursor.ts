/** How far a room has told the event stream: in memory, and now and then in the row of the archive's cursor. */
import type { RoomStore } from '../rows/store.ts'
import { readCursors, writeCursors } from '../rows/tell/cursors.ts'
import { dropLog } from '../rows/tell/log.ts'

/** How many positions the stored cursor may stay behind, to spare a row a batch: so many come twice after an eviction. */
const BEHIND = 2_000

export interface StreamCursorParts {
  store: RoomStore
  /** The wakes' watermark, stored in the same row. */
  woken: () => number
}

export class StreamCursor {
  readonly #parts: StreamCursorParts
  /** As far as this incarnation knows. */
  #told: number | undefined

  constructor(parts: StreamCursorParts) {
    this.#parts = parts
  }

  /** A room that the stream has never heard of begins with what the archive has yet to learn. */
  get position(): number {
    if (this.#told !== undefined) return this.#told
    const { streamed, archived } = readCursors(this.#parts.store.sql)
    return streamed ?? archived
  }

  /** Answers where the stream stands by now. It touches memory alone. */
  note(upTo: number): number {
    this.#told = Math.max(upTo, this.#told ?? upTo)
    return this.#told
  }

  reset(): void {
    this.#told = undefined
  }

  /** The archive's next acknowledgement stores where the stream stands, but for a stream that is behind the archive. */
  acknowledge(upTo: number): void {
    const { archived, streamed } = readCursors(this.#parts.store.sql)
    if (upTo <= archived || upTo - (streamed ?? archived) > BEHIND) this.#store()
  }

  /** The alarm's last word: what the archive has stored before the stream was told, or has not stored for long. */
  settle(): void {
    if (this.#told === undefined) return
    const { archived, streamed } = readCursors(this.#parts.store.sql)
    const { position } = this
    if (streamed === position) return
    if (archived >= position || position - (streamed ?? archived) > BEHIND) this.#store()
  }

  #store(): void {
    const { store, woken } = this.#parts
    store.transaction(() => {
      const { archived } = readCursors(store.sql)
      const { position } = this
      writeCursors(store.sql, { archived, woken: woken(), streamed: position })
      dropLog(store.sql, Math.min(archived, position))
    })
  }
}
