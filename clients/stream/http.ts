/** Requests to the HTTP API with the user's token, which is renewed when it is refused. */
import type { Json } from './types.ts'

/** What the server has refused. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  readonly errcode: string
  readonly body: Json

  constructor(status: number, body: Json) {
    super(typeof body.error === 'string' ? body.error : `HTTP ${status}`)
    this.status = status
    this.errcode = typeof body.errcode === 'string' ? body.errcode : 'M_UNKNOWN'
    this.body = body
  }
}

export type Http = (method: string, path: string, body?: unknown) => Promise<Json>

const PREFIX = '/_matrix/client/v3'
/** How often a request that came too soon is made again. */
const TRIES = 4
const PAUSE_MS = 1_000

export interface HttpParts {
  url: string
  fetch: typeof fetch
  /** @param anew the last one was refused */
  token: (anew: boolean) => Promise<string>
}

/** Asks for paths below `/_matrix/client/v3`. @throws ApiError */
export function httpOf({ url, fetch, token }: HttpParts): Http {
  const once = async (method: string, path: string, body: unknown, anew: boolean): Promise<Json> => {
    const answer = await fetch(url + PREFIX + path, {
      method,
      headers: { authorization: `Bearer ${await token(anew)}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const read = (await answer.json().catch(() => ({}))) as Json
    if (!answer.ok) throw new ApiError(answer.status, read)
    return read
  }
  return async (method, path, body) => {
    let anew = false
    for (let tried = 1; ; tried += 1) {
      try {
        return await once(method, path, body, anew)
      } catch (error) {
        if (!(error instanceof ApiError) || tried === TRIES) throw error
        if (error.errcode === 'M_UNKNOWN_TOKEN' && !anew) anew = true
        else if (error.status === 429) await pause(Number(error.body.retry_after_ms ?? PAUSE_MS))
        else throw error
      }
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
