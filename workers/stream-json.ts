/** JSON answers that are written piece by piece, for answers larger than a Worker should hold at once. */
import type { RoomGateway } from '../durable-objects/gate.ts'
import type { StateRequest } from '../src/objects/room/state.ts'
import type { JsonValue } from '../src/protocol/events/canonical-json.ts'
import type { ClientEvent } from '../src/protocol/events/event.ts'

/** How many characters are gathered before an answer begins: most answers are whole by then, and leave as one piece. */
const GATHERED = 500_000

/** What arrays and objects go on with, by themselves: further elements, or entries. */
export type Continuations = ReadonlyMap<unknown, () => AsyncIterable<unknown[]>>

/** Every slice of a room's state, in order. */
export async function* stateSlices(room: RoomGateway, request: StateRequest): AsyncGenerator<ClientEvent[]> {
  let { cursor } = request
  do {
    const { events, next } = await room.state({ ...request, cursor })
    yield events
    cursor = next
  } while (cursor !== undefined)
}

/**
 * An answer with the JSON of `value`, in which some arrays and objects go on. What fails before the answer has begun is thrown;
 * later the connection breaks, so that no client takes a part for the whole.
 */
export async function streamJson(value: JsonValue, continuations: Continuations): Promise<Response> {
  return streamText(piecesOf(value, continuations, ancestorsOf(value, continuations)))
}

/** The same of JSON that comes as text, piece by piece. */
export async function streamText(pieces: AsyncGenerator<string>): Promise<Response> {
  let text = ''
  for (;;) {
    const next = await pieces.next()
    if (next.done) return respond(text)
    text += next.value
    if (text.length > GATHERED) break
  }
  return respond(streamOf(text, pieces))
}

function respond(body: string | ReadableStream<Uint8Array>): Response {
  return new Response(body, { headers: { 'Content-Type': 'application/json' } })
}

function streamOf(start: string, pieces: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder()
  return new ReadableStream({
    start: (controller) => controller.enqueue(utf8.encode(start)),
    async pull(controller) {
      const next = await pieces.next()
      if (next.done) controller.close()
      else controller.enqueue(utf8.encode(next.value))
    },
    async cancel() {
      await pieces.return(undefined)
    },
  })
}

/** What goes on, and every array or object that holds it, directly or deeper inside. */
function ancestorsOf(value: JsonValue, continuations: Continuations): Set<unknown> {
  const found = new Set<unknown>()
  const visit = (node: JsonValue | undefined): boolean => {
    if (typeof node !== 'object' || node === null) return false
    const holding = Object.values(node).filter((child) => visit(child))
    const isHolder = continuations.has(node) || holding.length > 0
    if (isHolder) found.add(node)
    return isHolder
  }
  if (continuations.size > 0) visit(value)
  return found
}

/** The pieces together are the JSON of `value`, with what goes on in it. */
async function* piecesOf(
  value: JsonValue,
  continuations: Continuations,
  ancestors: ReadonlySet<unknown>,
): AsyncGenerator<string> {
  if (!ancestors.has(value)) {
    yield JSON.stringify(value)
    return
  }
  const [open, close] = Array.isArray(value) ? '[]' : '{}'
  const entries = Object.entries(value as Record<string, JsonValue | undefined>)
  let separator = open as string
  for (const [key, child] of entries) {
    if (child === undefined) continue
    yield Array.isArray(value) ? separator : `${separator}${JSON.stringify(key)}:`
    yield* piecesOf(child, continuations, ancestors)
    separator = ','
  }
  for await (const elements of continuations.get(value)?.() ?? []) {
    if (elements.length === 0) continue
    yield separator +
      elements.map(Array.isArray(value) ? (element) => JSON.stringify(element) : entryJson).join(',')
    separator = ','
  }
  yield separator === open ? `${open}${close}` : (close as string)
}

function entryJson(entry: unknown): string {
  const [key, value] = entry as [string, unknown]
  return `${JSON.stringify(key)}:${JSON.stringify(value)}`
}
