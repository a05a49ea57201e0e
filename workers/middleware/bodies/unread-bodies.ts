/**
 * Bodies that an answer does not wait for, such as a file that comes with a token that has ended. A connection that is
 * closed while its client still sends is reset, and the client may never read why: on one machine, where the runtime
 * closes it after 64 KiB or a second, the answer goes at once, and what still comes is read and thrown away.
 */
import type { AppContext } from '../../app-env.ts'
import { AT_A_TIME, partsInTime } from './slow-bodies.ts'

/** A client that sends nothing for so long has read the answer, or sends no more, ms. */
const PAUSE_MS = 1_000
/** As much as this many of the largest uploads. */
const LARGEST_UPLOADS = 2
/** However steadily it comes, ms. */
const LONGEST_MS = 120_000
/** More than this many at once, and the runtime closes the newest as it does by itself. */
const AT_ONCE = 100

const REFUSED = 400
const WITHOUT_BODY = new Set(['GET', 'HEAD', 'OPTIONS'])

let underWay = 0

/** The same answer, which does not end before the body has; the client has all of it at once. */
export async function withRestRead(c: AppContext, answer: Response): Promise<Response> {
  const { body, bodyUsed } = c.req.raw
  if (answer.body === null || body === null || body.locked || underWay >= AT_ONCE) return answer
  // What an endpoint did was asked by all of the body, if it looked at it.
  if (answer.status < REFUSED && bodyUsed) return answer
  const bytes = new Uint8Array(await answer.arrayBuffer())
  const { readable, writable } = new FixedLengthStream(bytes.byteLength)
  underWay += 1
  const end = () => {
    underWay -= 1
  }
  answerThenRead(c, { bytes, writable, body }).then(end, end)
  return new Response(readable, answer)
}

/** Whether a body may be longer than what the runtime reads by itself. */
export function mayBeUnread({ env, req }: AppContext): boolean {
  // On Cloudflare the network in front of the Worker has the body.
  if (env.LAUNCHER_SECRET === undefined) return false
  if (WITHOUT_BODY.has(req.method)) return false
  const declared = req.header('content-length')
  return declared === undefined || Number(declared) > AT_A_TIME
}

interface Exchange {
  bytes: Uint8Array
  writable: WritableStream<Uint8Array>
  body: ReadableStream<Uint8Array>
}

/** A client that leaves meanwhile ends both. */
async function answerThenRead(c: AppContext, { bytes, writable, body }: Exchange): Promise<void> {
  const { clock, config } = c.var.ports
  const writer = writable.getWriter()
  await writer.write(bytes)
  const end = clock.now() + LONGEST_MS
  let left = LARGEST_UPLOADS * config.maxUploadBytes
  try {
    for await (const part of partsInTime(body, PAUSE_MS, 1)) {
      left -= part.byteLength
      if (left < 0 || clock.now() > end) break
    }
  } finally {
    await writer.close()
  }
}
