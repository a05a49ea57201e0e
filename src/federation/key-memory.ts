/** What one isolate remembers of keys, and of servers that were asked for them. */
import type { Config } from '../ports/config.ts'
import type { KeyFailure, ServerKey } from '../ports/federation.ts'
import type { KeyLookup, WantedKey } from '../protocol/federation/pdu-signatures.ts'
import type { MissingKey } from './key-fetch.ts'

const MOST_KEYS = 10_000
const MOST_SERVERS = 10_000
/** A server that has answered is not asked again for so long, whatever keys are named, ms. */
const PAUSE_MS = 60_000

interface Asked {
  /** When it told its keys, ms. */
  answeredAt: number
  failures: number
  retryAt: number
}

const NEVER: Asked = { answeredAt: Number.NEGATIVE_INFINITY, failures: 0, retryAt: 0 }

export class KeyMemory {
  readonly #keys = new Map<string, ServerKey>()
  readonly #servers = new Map<string, Asked>()
  readonly #serverName: string
  readonly #own: ReadonlyMap<string, { publicKey: string; endedAt: number }>
  readonly #now: () => number

  constructor(
    {
      serverName,
      signingKeys,
      endedSigningKeys,
    }: Pick<Config, 'serverName' | 'signingKeys' | 'endedSigningKeys'>,
    now: () => number,
  ) {
    const forEver = signingKeys.map(({ id, publicKey }) => ({
      id,
      publicKey,
      endedAt: Number.POSITIVE_INFINITY,
    }))
    this.#own = new Map([...forEver, ...endedSigningKeys].map((key) => [key.id, key]))
    this.#serverName = serverName
    this.#now = now
  }

  keep(key: ServerKey): void {
    put(this.#keys, nameOf(key), key, MOST_KEYS)
  }

  noteAnswer(serverName: string): void {
    put(this.#servers, serverName, { answeredAt: this.#now(), failures: 0, retryAt: 0 }, MOST_SERVERS)
  }

  noteFailure({ serverName, failures, retryAt }: KeyFailure): void {
    put(this.#servers, serverName, { ...this.#asked(serverName), failures, retryAt }, MOST_SERVERS)
  }

  failuresOf(serverName: string): number {
    return this.#asked(serverName).failures
  }

  /** Whether the server is left alone: it failed, or has answered a moment ago. Our own keys are all here. */
  rests(serverName: string): boolean {
    const { answeredAt, retryAt } = this.#asked(serverName)
    const now = this.#now()
    return serverName === this.#serverName || now < retryAt || now - answeredAt < PAUSE_MS
  }

  /** Whether the key is here, valid up to the wanted time. */
  isHad({ until, ...key }: MissingKey): boolean {
    const known = this.#keys.get(nameOf(key))
    return known !== undefined && until <= known.validUntil
  }

  /** Whether nothing that may be asked now could change what is known of the key. */
  isSettled(wanted: WantedKey, byTime: boolean): boolean {
    return this.#verdict(wanted, byTime) !== undefined
  }

  lookup(byTime: boolean): KeyLookup {
    return (wanted) => this.#verdict(wanted, byTime)
  }

  #verdict(wanted: WantedKey, byTime: boolean): string | 'invalid' | undefined {
    const { serverName, keyId, at } = wanted
    if (serverName === this.#serverName) {
      const own = this.#own.get(keyId)
      return own !== undefined && (!byTime || at <= own.endedAt) ? own.publicKey : 'invalid'
    }
    const key = this.#keys.get(nameOf(wanted))
    if (key !== undefined && (!byTime || at <= key.validUntil)) return key.publicKey
    // The server itself has said a moment ago which keys it has, and until when.
    const isTold = key?.hasEnded === true || this.#now() - this.#asked(serverName).answeredAt < PAUSE_MS
    return isTold ? 'invalid' : undefined
  }

  #asked(serverName: string): Asked {
    return this.#servers.get(serverName) ?? NEVER
  }
}

const nameOf = ({ serverName, keyId }: { serverName: string; keyId: string }) => `${serverName} ${keyId}`

/** The oldest goes first, which costs one more question. */
function put<T>(map: Map<string, T>, name: string, value: T, most: number): void {
  map.delete(name)
  const [oldest] = map.size >= most ? map.keys() : []
  if (oldest !== undefined) map.delete(oldest)
  map.set(name, value)
}
