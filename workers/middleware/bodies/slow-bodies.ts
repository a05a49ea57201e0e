/** Bodies that come slowly, or never end: a client that holds its connection open must send something on it. */
import { ClientGone } from '../../../durable-objects/gate.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'

/** Bytes that must have come in each span of time. */
export const AT_A_TIME = 64 * 1024

/**
 * What `work` reads of a body, if it ends in so many ms.
 * @throws MatrixError M_UNKNOWN with 408; ClientGone where the client has left
 */
export async function inTime<T>(work: Promise<T>, timeout: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow()), timeout)
  })
  try {
    return await Promise.race([work.catch(leave), late])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * The parts of a body, as long as `enough` bytes come in each span of time. What is left of a body that nobody wants any
 * more can be read by another.
 * @throws MatrixError M_UNKNOWN with 408; ClientGone where the client has left
 */
export async function* partsInTime(
  body: ReadableStream<Uint8Array>,
  timeout: number,
  enough = AT_A_TIME,
): AsyncGenerator<Uint8Array, undefined> {
  const reader = body.getReader()
  const watch = new Watch(timeout)
  let sinceRenewed = 0
  let isWhole = true
  try {
    for (;;) {
      isWhole = false
      const part = await watch.over(reader.read())
      isWhole = true
      if (part.done) return undefined
      sinceRenewed += part.value.byteLength
      if (sinceRenewed >= enough) {
        watch.renew()
        sinceRenewed = 0
      }
      yield part.value
    }
  } finally {
    watch.end()
    // A part that is still waited for holds the body.
    if (!isWhole) await reader.cancel().catch(() => undefined)
    reader.releaseLock()
  }
}

/** The same as a stream, which says afterwards why it broke off. */
export class PacedBody {
  readonly stream: ReadableStream<Uint8Array>
  failure: unknown

  constructor(body: ReadableStream<Uint8Array>, timeout: number) {
    const parts = partsInTime(body, timeout)
    this.stream = new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          const part = await parts.next().catch((error) => {
            this.failure = error
            throw error
          })
          if (part.done) controller.close()
          else controller.enqueue(part.value)
        },
        cancel: async () => {
          await parts.return(undefined)
        },
      },
      // An upload that is refused unread stays so.
      { highWaterMark: 0 },
    )
  }
}

/** A time limit that can begin anew. */
class Watch {
  readonly #timeout: number
  readonly #late: Promise<never>
  #reject: ((error: Error) => void) | undefined
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(timeout: number) {
    this.#timeout = timeout
    this.#late = new Promise((_, reject) => {
      this.#reject = reject
    })
    // It may come while no part is waited for.
    this.#late.catch(() => undefined)
    this.renew()
  }

  renew(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#reject?.(tooSlow()), this.#timeout)
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  over<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work.catch(leave), this.#late])
  }
}

/** When reading a body fails, the reason is that its client is gone. */
function leave(): never {
  throw new ClientGone()
}

function tooSlow(): MatrixError {
  return new MatrixError('M_UNKNOWN', 'The body of the request did not come in time', { status: 408 })
}
