/** `/.well-known/matrix/server`: where a server says it can be reached. Server-Server API §Server discovery. */
import { discard, followRedirects, readBytes } from '../outside.ts'
import type { JsonValue } from '../protocol/events/canonical-json.ts'
import { isServerName } from '../protocol/identifiers.ts'
import { objectField, stringField } from '../protocol/json-fields.ts'

const HOUR_MS = 3_600_000
const LARGEST = 50 * 1024
/** "Servers SHOULD respect the cache control headers": within these bounds, ms. */
const GIVEN_MS = 24 * HOUR_MS
const LEAST_MS = HOUR_MS
const MOST_MS = 48 * HOUR_MS
/** An answer that is no delegation is believed for so long, ms. */
const NONE_MS = HOUR_MS
/** One that did not come, ms: the server may be on its way back. */
const UNREACHED_MS = 5 * 60_000

/** What a host says; without `delegated` it says nothing. */
export interface WellKnown {
  delegated?: string
  /** How long it may be believed, ms. */
  lifetimeMs: number
  /** Whether there was an answer at all. */
  isAnswered: boolean
}

export interface WellKnownParts {
  send: typeof fetch
  /** Whether a host may be asked. */
  mayAsk: (url: URL) => boolean
}

/** Asks a host; never throws. */
export async function readWellKnown(
  host: string,
  { send, mayAsk }: WellKnownParts,
  signal: AbortSignal,
): Promise<WellKnown> {
  let otherHosts = 0
  const next = (location: string, base: URL): URL => {
    const url = URL.parse(location, base.href)
    if (url === null || url.protocol !== 'https:' || !mayAsk(url)) throw new Error('leads nowhere')
    if (url.host !== base.host) otherHosts += 1
    if (otherHosts > 1) throw new Error('leads on and on')
    return url
  }
  const start = URL.parse(`https://${host}/.well-known/matrix/server`)
  if (start === null || !mayAsk(start)) return { lifetimeMs: NONE_MS, isAnswered: true }
  let isAnswered = false
  const ask = async (url: URL) => {
    const response = await send(url.href, {
      headers: { accept: 'application/json' },
      redirect: 'manual',
      signal,
    })
    isAnswered = true
    return response
  }
  try {
    const found = await followRedirects(ask, start, next)
    if (found === undefined) return { lifetimeMs: NONE_MS, isAnswered }
    const { response } = found
    if (!response.ok) {
      await discard(response)
      return { lifetimeMs: NONE_MS, isAnswered }
    }
    const lifetimeMs = lifetimeOf(response.headers)
    const { bytes, isWhole } = await readBytes(response, LARGEST)
    const delegated = isWhole ? delegatedIn(new TextDecoder().decode(bytes)) : undefined
    return delegated === undefined
      ? { lifetimeMs: NONE_MS, isAnswered }
      : { delegated, lifetimeMs, isAnswered }
  } catch {
    return { lifetimeMs: isAnswered ? NONE_MS : UNREACHED_MS, isAnswered }
  }
}

function delegatedIn(text: string): string | undefined {
  let value: JsonValue
  try {
    value = JSON.parse(text) as JsonValue
  } catch {
    return undefined
  }
  const name = stringField(objectField(value)?.['m.server'])
  return name !== undefined && isServerName(name) ? name : undefined
}

function lifetimeOf(headers: Headers): number {
  const control = headers.get('cache-control') ?? ''
  if (/\b(no-store|no-cache)\b/i.test(control)) return LEAST_MS
  const [, seconds] = /\bmax-age=(\d{1,10})/i.exec(control) ?? []
  const given = seconds === undefined ? GIVEN_MS : Number(seconds) * 1000
  return Math.min(MOST_MS, Math.max(LEAST_MS, given))
}
