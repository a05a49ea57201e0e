/** An upload on its way in: hashed and counted as it passes, never more of it in memory than two parts. */
import { createHash, type Hash } from 'node:crypto'
import { type Incoming, PART_BYTES } from '../../ports/bucket.ts'

/**
 * A client that is cut off while it sends may never read the reason, so a body that is too large is read to its end, up
 * to this many limits.
 */
const HEARD_OUT = 2

/** There is more than `limit`. */
export class PastLimit extends Error {
  override readonly name = 'PastLimit'
}

/** A stream of known length, hashed on its way. */
export class HashedStream implements Incoming {
  readonly stream: ReadableStream<Uint8Array>
  readonly length: number
  failure: unknown
  readonly #hash: Hash = createHash('sha256')

  constructor(body: ReadableStream<Uint8Array>, length: number) {
    const reader = body.getReader()
    this.length = length
    this.stream = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const part = await reader.read().catch((error) => {
            this.failure = error ?? new Error('the sender broke off')
            throw error
          })
          if (part.done) return controller.close()
          this.#hash.update(part.value)
          controller.enqueue(part.value)
        },
        cancel: (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    )
  }

  /** In hexadecimal digits, once all of it has passed. */
  sha256(): string {
    return this.#hash.digest('hex')
  }
}

/** A stream of unknown length, in parts of one size; the last one is shorter, perhaps empty. */
export class HashedParts {
  /** Bytes so far. */
  size = 0
  failure: unknown
  readonly #hash: Hash = createHash('sha256')
  readonly #parts: AsyncGenerator<Uint8Array, undefined>
  #first: Uint8Array | undefined

  constructor(body: ReadableStream<Uint8Array>, limit: number) {
    this.#parts = inParts(body, limit)
  }

  /** The first part, which stays among the parts. @throws PastLimit */
  async first(): Promise<Uint8Array> {
    this.#first ??= (await this.#next()) ?? new Uint8Array(0)
    return this.#first
  }

  /** Whether one part is all there is. @throws PastLimit */
  async isOne(): Promise<boolean> {
    return (await this.first()).byteLength < PART_BYTES
  }

  /** All parts that are not empty. @throws PastLimit */
  async *all(): AsyncGenerator<Uint8Array, undefined> {
    try {
      for (let part: Uint8Array | undefined = await this.first(); part; part = await this.#next()) {
        if (part.byteLength === 0) continue
        this.#hash.update(part)
        this.size += part.byteLength
        yield part
      }
    } finally {
      // Lets go of the sender where the store wants no more.
      await this.#parts.return(undefined)
    }
    return undefined
  }

  /** In hexadecimal digits, once all of it has passed. */
  sha256(): string {
    return this.#hash.digest('hex')
  }

  async #next(): Promise<Uint8Array | undefined> {
    const { value } = await this.#parts.next().catch((error) => {
      this.failure = error
      throw error
    })
    return value
  }
}

/** In parts of one size; the last one is shorter, perhaps empty. @throws PastLimit */
export async function* inParts(
  body: ReadableStream<Uint8Array>,
  limit: number,
): AsyncGenerator<Uint8Array, undefined> {
  let part = new Uint8Array(PART_BYTES)
  let filled = 0
  let total = 0
  for await (const chunk of body) {
    total += chunk.byteLength
    if (total > HEARD_OUT * limit) break
    if (total > limit) continue
    for (let taken = 0; taken < chunk.byteLength; ) {
      const piece = chunk.subarray(taken, taken + PART_BYTES - filled)
      part.set(piece, filled)
      filled += piece.byteLength
      taken += piece.byteLength
      if (filled < PART_BYTES) continue
      yield part
      part = new Uint8Array(PART_BYTES)
      filled = 0
    }
  }
  if (total > limit) throw new PastLimit()
  yield part.subarray(0, filled)
  return undefined
}

/** Reads what nobody wants, up to a few limits. */
export async function drain(body: ReadableStream<Uint8Array>, limit: number): Promise<void> {
  let read = 0
  for await (const chunk of body) {
    read += chunk.byteLength
    if (read > HEARD_OUT * limit) break
  }
}
