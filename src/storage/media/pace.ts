/** Time limits on bytes that stream to a store or from it: how long nothing may move, whatever the length. */
import { StoreAway } from './failures.ts'

/** The runtime's own: without a word on its length, a stream is sent in chunks, which R2 and S3 refuse. */
declare const FixedLengthStream: new (length: number) => TransformStream<Uint8Array, Uint8Array>

/** What is sent of a length that is known, or of one that nobody knows yet. */
export function sending(length: number | undefined): TransformStream<Uint8Array, Uint8Array> {
  return length === undefined ? new TransformStream() : new FixedLengthStream(length)
}

/** How long a store may take to accept or send the next bytes, or to answer after the last, ms. */
export const STALL_MS = 30_000

/**
 * Sends a stream on. Only the time in which the store takes nothing is limited: a sender has a limit of its own.
 * @param stalled called when the store has taken too long; also for the answer after the last bytes
 * @returns a function that ends the watch, once the store has answered
 */
export function pump(
  source: ReadableStream<Uint8Array>,
  sink: WritableStream<Uint8Array>,
  stalled: (reason: StoreAway) => void,
): { sent: Promise<void>; end: () => void } {
  let timer: ReturnType<typeof setTimeout> | undefined
  const begin = () => {
    timer = setTimeout(() => stalled(new StoreAway('Stalled')), STALL_MS)
  }
  const end = () => clearTimeout(timer)
  const run = async () => {
    const writer = sink.getWriter()
    try {
      for await (const chunk of source) {
        begin()
        await writer.write(chunk)
        end()
      }
      begin()
      await writer.close()
    } catch (error) {
      end()
      await writer.abort(error).catch(() => undefined)
      throw error
    }
  }
  const sent = run()
  sent.catch(() => undefined)
  return { sent, end }
}

/**
 * What a store sends, as long as the next bytes come in time.
 * @param length bytes that must come: a client is told how many there will be, and a stream that ends early is broken off
 */
export function inPace(body: ReadableStream<Uint8Array> | null, length: number): ReadableStream<Uint8Array> {
  const { readable, writable } = sending(length)
  handOn(body, writable.getWriter()).catch(() => undefined)
  return readable
}

/** What is read at once: each read costs a turn, and stores send small pieces. */
const AT_ONCE_BYTES = 64 * 1024

async function handOn(
  body: ReadableStream<Uint8Array> | null,
  writer: WritableStreamDefaultWriter<Uint8Array>,
): Promise<void> {
  const reader = body?.getReader({ mode: 'byob' }) as unknown as PatientReader | undefined
  try {
    for (;;) {
      const { done, value } = reader === undefined ? NOTHING : await inTime(nextOf(reader))
      if (value !== undefined && value.byteLength > 0) await writer.write(value)
      if (done) break
    }
    await writer.close()
  } catch (error) {
    await Promise.allSettled([writer.abort(error), reader?.cancel()])
  }
}

const NOTHING: Piece = { done: true }

/** The runtime's readers can wait for more than one piece; those of Node cannot. */
interface PatientReader {
  read(into: Uint8Array): Promise<Piece>
  readAtLeast?(least: number, into: Uint8Array): Promise<Piece>
  cancel(): Promise<void>
}

interface Piece {
  done: boolean
  value?: Uint8Array
}

function nextOf(reader: PatientReader): Promise<Piece> {
  const into = new Uint8Array(AT_ONCE_BYTES)
  return reader.readAtLeast?.(AT_ONCE_BYTES, into) ?? reader.read(into)
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new StoreAway('Stalled')), STALL_MS)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Parts as a stream that asks for the next one only when it is read. */
export function streamOfParts(parts: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await parts.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await parts.return(undefined)
      },
    },
    { highWaterMark: 0 },
  )
}
