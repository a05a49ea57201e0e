/** Reads a request's JSON body: counted and timed while it is read, strict UTF-8, an object and nothing else. */

import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { isTooDeep } from '../../../src/protocol/json-depth.ts'
import { AT_A_TIME, inTime, partsInTime } from './slow-bodies.ts'

/** Larger JSON is of no use to any endpoint of the client API: an event holds 64 KiB. */
export const JSON_LIMIT = 1024 * 1024

/** The same of those who have not said who they are: a token of another system is the longest that they send. */
export const STRANGERS_LIMIT = 128 * 1024

interface Reading {
  /** Ms. */
  timeout: number
  /** Bytes; absent: what is enough for a client. */
  limit?: number
}

/**
 * The JSON object in a request's body.
 * @throws MatrixError M_NOT_JSON, M_BAD_JSON, M_TOO_LARGE, or M_UNKNOWN with 408 for a body that does not come
 */
export async function readJsonObject(
  request: Request,
  {
    optional,
    ...reading
  }: Reading & {
    /** Whether no body at all stands for `{}`. */
    optional?: boolean
  },
): Promise<{ value: JsonObject; text: string }> {
  const text = await readJsonText(request, reading)
  return { value: text === '' && optional === true ? {} : parseJsonObject(text), text }
}

/** The text of a body that should be JSON, before anything is made of it. @throws as `readJsonObject` */
export async function readJsonText(
  request: Request,
  { timeout, limit = JSON_LIMIT }: Reading,
): Promise<string> {
  return decoded(await readBytes(request, limit, timeout))
}

/** @throws MatrixError M_NOT_JSON, M_BAD_JSON */
export function parseJsonObject(text: string): JsonObject {
  const value = parse(text)
  if (!isJsonObject(value)) throw new MatrixError('M_BAD_JSON', 'The body must be a JSON object')
  if (isTooDeep(value, text)) throw new MatrixError('M_BAD_JSON', 'The body is nested too deeply')
  return value
}

/** Whether a parsed value is an object, neither null nor a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A body that is text in UTF-8. @throws MatrixError M_TOO_LARGE, M_INVALID_PARAM, or M_UNKNOWN with 408 */
export async function readText(request: Request, limit: number, timeout: number): Promise<string> {
  const bytes = await readBytes(request, limit, timeout)
  try {
    return decoder.decode(bytes)
  } catch {
    throw new MatrixError('M_INVALID_PARAM', 'The body is not UTF-8')
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

function decoded(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch {
    throw notJson()
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw notJson()
  }
}

function notJson(): MatrixError {
  return new MatrixError('M_NOT_JSON', 'The body is not JSON in UTF-8')
}

/** The protocol's framing makes sure of a declared length; without one the body is counted part by part. */
async function readBytes(request: Request, limit: number, timeout: number): Promise<Uint8Array> {
  const declared = request.headers.get('content-length')
  if (Number(declared ?? 0) > limit) throw tooLarge(limit)
  if (request.body === null) return new Uint8Array(0)
  if (declared === null || Number(declared) > AT_A_TIME) return readCounted(request.body, limit, timeout)
  return new Uint8Array(await inTime(request.arrayBuffer(), timeout))
}

async function readCounted(
  body: ReadableStream<Uint8Array>,
  limit: number,
  timeout: number,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of partsInTime(body, timeout)) {
    length += part.byteLength
    if (length > limit) throw tooLarge(limit)
    parts.push(part)
  }
  return join(parts, length)
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

function tooLarge(limit: number): MatrixError {
  return new MatrixError('M_TOO_LARGE', `The body is larger than ${limit} bytes`)
}
