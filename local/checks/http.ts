/** HTTP as a check uses it: bounded answers, times, and failures in sentences that hold no token. */
import { performance } from 'node:perf_hooks'
import { Failed } from './outcome.ts'

export interface Asked {
  token?: string
  json?: unknown
  body?: Uint8Array
  headers?: Record<string, string>
  query?: Record<string, string | number>
  /** The whole address where it is not one of the server's own. */
  base?: string
  /** Follow redirects, as clients do for well-known files. */
  follow?: boolean
}

export interface Answer {
  status: number
  headers: Headers
  /** From the request to the end of the answer. */
  ms: number
  bytes: Uint8Array
  /** The parsed body; undefined where it is not JSON. */
  json: unknown
  contentType: string
}

export type Ask = (method: string, path: string, asked?: Asked) => Promise<Answer>

/** A server that answers more than this to one of our questions is not well. */
const LARGEST = 4 * 1024 * 1024

/** Asks the server at `url`. @param signal gives every question up */
export function asker(url: string, signal: AbortSignal): Ask {
  return async (
    method,
    path,
    { token, json, body, headers = {}, query = {}, base = url, follow = false } = {},
  ) => {
    const address = new URL(path, base)
    for (const [name, value] of Object.entries(query)) address.searchParams.set(name, String(value))
    const started = performance.now()
    let response: Response
    let bytes: Uint8Array
    try {
      response = await fetch(address, {
        method,
        headers: {
          ...(json !== undefined && { 'content-type': 'application/json' }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...headers,
        },
        body: json === undefined ? (body as BodyInit | undefined) : JSON.stringify(json),
        redirect: follow ? 'follow' : 'manual',
        signal,
      })
      bytes = await bounded(response)
    } catch (error) {
      if (signal.aborted || error instanceof Failed) throw error
      throw new Failed(`${address.origin} cannot be asked: ${reasonOf(error)}`)
    }
    const contentType = response.headers.get('content-type') ?? ''
    const ms = performance.now() - started
    return { status: response.status, headers: response.headers, ms, bytes, json: parsed(bytes), contentType }
  }
}

async function bounded(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of response.body ?? []) {
    length += part.byteLength
    if (length > LARGEST) throw new Failed(`an answer has more than ${LARGEST} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return undefined
  }
}

/** `fetch` hides the reason in the cause of its error. */
function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: unknown }
  const inner = cause instanceof AggregateError ? cause.errors[0] : cause
  const { code, message } = (inner ?? error) as { code?: string; message?: string }
  return (
    [code, message].filter((part) => part !== undefined && part !== '').join(': ') || 'no reason was given'
  )
}

/** What an answer says of its failure: its code and sentence are the server's own, and hold nothing private. */
export function refusal({ status, json, contentType }: Answer): string {
  const { errcode, error } = (json ?? {}) as { errcode?: unknown; error?: unknown }
  if (typeof errcode !== 'string') return `${status}, ${contentType || 'without a content type'}`
  return `${status} ${errcode}: ${String(error).slice(0, 200)}`
}

/** @throws Failed unless the answer has one of these statuses and is JSON */
export function must(answer: Answer, what: string, statuses: number[] = [200]): Record<string, unknown> {
  if (!statuses.includes(answer.status)) throw new Failed(`${what} was answered ${refusal(answer)}`)
  if (!/^application\/json(;|$)/.test(answer.contentType)) {
    throw new Failed(`${what} was answered as ${answer.contentType || 'nothing'}, expected application/json`)
  }
  if (typeof answer.json !== 'object' || answer.json === null)
    throw new Failed(`${what} was answered without JSON`)
  return answer.json as Record<string, unknown>
}
