/** Where a server is reached: by its own name, by what its host says of it. Server-Server API §Server discovery. */
import type { Clock } from '../ports/system.ts'
import { isPublicHost } from '../public-host.ts'
import { readWellKnown } from './well-known.ts'

const DEFAULT_PORT = 8448
const WELL_KNOWN_MS = 10_000
/** Hosts that an isolate remembers. */
const MOST_KEPT = 2_000

const NAME = /^(?<host>\[[^\]]+\]|[^:]+)(?::(?<port>\d{1,5}))?$/
const DOTTED_QUAD = /^\d{1,3}(?:\.\d{1,3}){3}$/

type Deadline = <T>(ms: number, work: (signal: AbortSignal) => Promise<T>) => Promise<T>

interface DiscoveryParts {
  send: typeof fetch
  deadline: Deadline
  clock: Clock
  /** Whether private addresses may be asked. */
  privateAllowed: boolean
}

export interface Discovery {
  /** Host and port, as they stand in a URL; undefined for a server that may not be asked. */
  find(serverName: string): Promise<string | undefined>
}

interface Kept {
  delegated: string | undefined
  until: number
}

/** The servers, as one isolate finds them. */
export function discovery({ send, deadline, clock, privateAllowed }: DiscoveryParts): Discovery {
  const kept = new Map<string, Kept>()
  const mayAsk = (url: URL) => privateAllowed || isPublicHost(url.hostname)

  async function delegationOf(host: string): Promise<string | undefined> {
    const known = kept.get(host)
    const now = clock.now()
    if (known !== undefined && now < known.until) return known.delegated
    const asked = await deadline(WELL_KNOWN_MS, (signal) => readWellKnown(host, { send, mayAsk }, signal))
    // A host that does not answer is where it was.
    const delegated = asked.isAnswered ? asked.delegated : (asked.delegated ?? known?.delegated)
    kept.delete(host)
    const [oldest] = kept.size >= MOST_KEPT ? kept.keys() : []
    if (oldest !== undefined) kept.delete(oldest)
    kept.set(host, { delegated, until: now + asked.lifetimeMs })
    return delegated
  }

  function permitted(host: string, port: number): string | undefined {
    const url = URL.parse(`https://${host}:${port}/`)
    return url !== null && mayAsk(url) ? `${host}:${port}` : undefined
  }

  return {
    async find(serverName) {
      const { host, port } = partsOf(serverName)
      if (isIpLiteral(host) || port !== undefined) return permitted(host, port ?? DEFAULT_PORT)
      const delegated = await delegationOf(host)
      if (delegated === undefined) return permitted(host, DEFAULT_PORT)
      const to = partsOf(delegated)
      return permitted(to.host, to.port ?? DEFAULT_PORT)
    },
  }
}

function partsOf(serverName: string): { host: string; port: number | undefined } {
  const { host = '', port } = NAME.exec(serverName)?.groups ?? {}
  return { host, port: port === undefined ? undefined : Number(port) }
}

function isIpLiteral(host: string): boolean {
  return host.startsWith('[') || DOTTED_QUAD.test(host)
}
