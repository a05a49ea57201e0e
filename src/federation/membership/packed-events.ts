/**
 * The checked events of an answer, until all of it is checked. A string may take twice the memory of its bytes, so all parts
 * but the last are kept as bytes.
 */
import type { ReceivedEvent } from '../../objects/room/federation.ts'

/** Characters of events in one call: its value has a bound, and quotation marks take two characters there. */
const PART_LENGTH = 2_000_000

interface Packed {
  /** Of each event, what is not in the bytes, and how many characters it has there. */
  events: (Omit<ReceivedEvent, 'json'> & { length: number })[]
  bytes: Uint8Array
}

export class PackedEvents {
  readonly #packed: Packed[] = []
  #part: ReceivedEvent[] = []
  #length = 0

  add(event: ReceivedEvent): void {
    if (this.#part.length > 0 && this.#length + event.json.length > PART_LENGTH) this.#pack()
    this.#part.push(event)
    this.#length += event.json.length
  }

  /** In the order in which they came, each part once: it is let go of. There is always one. */
  *parts(): Generator<ReceivedEvent[]> {
    for (let packed = this.#packed.shift(); packed !== undefined; packed = this.#packed.shift())
      yield unpacked(packed)
    yield this.#part
  }

  #pack(): void {
    const events = this.#part.map(({ eventId, json, isRedacted }) => ({
      eventId,
      isRedacted,
      length: json.length,
    }))
    const bytes = new TextEncoder().encode(this.#part.map(({ json }) => json).join(''))
    this.#packed.push({ events, bytes })
    this.#part = []
    this.#length = 0
  }
}

function unpacked({ events, bytes }: Packed): ReceivedEvent[] {
  const text = new TextDecoder().decode(bytes)
  let at = 0
  return events.map(({ length, ...event }) => {
    at += length
    return { ...event, json: text.slice(at - length, at) }
  })
}
