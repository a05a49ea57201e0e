/** The requests of a consumer, and what it does when they fail. */

/** The server refused. */
export class EventStreamError extends Error {
  override readonly name = 'EventStreamError'
  readonly status: number
  readonly errcode: string

  constructor(status: number, { errcode, error }: { errcode?: string; error?: string }) {
    super(error ?? `The server answered ${status}`)
    this.status = status
    this.errcode = errcode ?? 'M_UNKNOWN'
  }
}

export interface ApiOptions {
  url: string
  token: string
  fetch?: typeof fetch
}

export type Ask = <T>(
  method: string,
  path: string,
  given?: { body?: unknown; signal?: AbortSignal },
) => Promise<T>

/** Asks the event stream by paths below `/_selvedge/stream`. @throws EventStreamError */
export function apiOf({ url, token, fetch: send = fetch }: ApiOptions): Ask {
  const base = `${url.replace(/\/+$/, '')}/_selvedge/stream`
  return async (method, path, { body, signal } = {}) => {
    const response = await send(`${base}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal !== undefined && { signal }),
    })
    const answer = await response.json().catch(() => ({}))
    if (!response.ok) throw new EventStreamError(response.status, answer as object)
    return answer as never
  }
}

const FIRST_WAIT_MS = 200
const LAST_WAIT_MS = 15_000

/** Waits before the next try after so many failures in a row; the signal ends it early. */
export function waitAfter(failures: number, signal: AbortSignal): Promise<void> {
  const longest = Math.min(LAST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures, 10))
  // From its upper half, so that not all consumers come back together.
  return pause(longest / 2 + (Math.random() * longest) / 2, signal)
}

/** Waits, unless the signal ends it early. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve()
      return
    }
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}
