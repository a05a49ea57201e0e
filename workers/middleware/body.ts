/** Reads a request's JSON body: counted while it is read, strict UTF-8, an object and nothing else. */
import type { JsonObject } from '../../src/protocol/canonical-json.ts'
import { MatrixError } from '../../src/protocol/errors.ts'

/** Larger JSON is of no use to any endpoint of the client API: an event holds 64 KiB. */
export const JSON_LIMIT = 1024 * 1024

/** Nested deeper than this, a value could exhaust the stack of whoever walks it. */
const MAX_DEPTH = 200

/**
 * The JSON object in a request's body.
 * @param optional whether no body at all stands for `{}`
 * @throws MatrixError M_NOT_JSON, M_BAD_JSON or M_TOO_LARGE
 */
export async function readJsonObject(request: Request, optional: boolean): Promise<JsonObject> {
  const bytes = await readBytes(request, JSON_LIMIT)
  if (bytes.byteLength === 0 && optional) return {}
  const value = parse(bytes)
  if (!isJsonObject(value)) throw new MatrixError('M_BAD_JSON', 'The body must be a JSON object')
  // A nesting of n needs at least 2n characters: short bodies are not walked.
  if (bytes.byteLength > 2 * MAX_DEPTH && isDeeperThan(value, MAX_DEPTH)) {
    throw new MatrixError('M_BAD_JSON', 'The body is nested too deeply')
  }
  return value
}

/** Whether a parsed value is an object, neither null nor a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A body that is text in UTF-8. @throws MatrixError M_TOO_LARGE, M_INVALID_PARAM */
export async function readText(request: Request, limit: number): Promise<string> {
  const bytes = await readBytes(request, limit)
  try {
    return decoder.decode(bytes)
  } catch {
    throw new MatrixError('M_INVALID_PARAM', 'The body is not UTF-8')
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes))
  } catch {
    throw new MatrixError('M_NOT_JSON', 'The body is not JSON in UTF-8')
  }
}

/** A declared length is kept by the protocol's framing; an undeclared one is counted chunk by chunk. */
async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  const declared = request.headers.get('content-length')
  if (declared !== null) {
    if (Number(declared) > limit) throw tooLarge(limit)
    return new Uint8Array(await request.arrayBuffer())
  }
  if (request.body === null) return new Uint8Array(0)
  return readCounted(request.body, limit)
}

async function readCounted(body: ReadableStream<Uint8Array>, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = body.getReader()
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    length += part.value.byteLength
    if (length > limit) {
      await reader.cancel()
      throw tooLarge(limit)
    }
    chunks.push(part.value)
  }
  return join(chunks, length)
}

function join(chunks: Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.byteLength
  }
  return whole
}

/** Walks level by level, so that the walk itself needs no stack. */
function isDeeperThan(value: unknown, limit: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > limit) return true
    level = level.flatMap((item) => (typeof item === 'object' && item !== null ? Object.values(item) : []))
  }
  return false
}

function tooLarge(limit: number): MatrixError {
  return new MatrixError('M_TOO_LARGE', `The body is larger than ${limit} bytes`)
}
