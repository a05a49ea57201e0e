/**
 * The keys of other servers: in this isolate's memory, in Postgres, by the server's own word, by a notary's. A server that
 * does not tell its keys is not asked again for a while.
 */
import { inTime } from '../patience.ts'
import type { Config } from '../ports/config.ts'
import type { FederationClient, KeyFailure, KeyRing, ServerKey, ServerKeyStore } from '../ports/federation.ts'
import type { Clock } from '../ports/system.ts'
import type { KeyLookup, WantedKey } from '../protocol/federation/pdu-signatures.ts'
import { keysByNotary, keysOfServer, keysOfServers, type MissingKey } from './key-fetch.ts'
import { KeyMemory } from './key-memory.ts'

/** Where more keys are missing, the notaries are asked before their servers. */
const FEW = 10
/** Servers asked for one look: those beyond are asked by the next one, which knows these already. */
const MOST_ASKED = 60
/** Servers asked at once: an invocation has six requests that wait. */
const AT_ONCE = 4
/** How long a server is left alone that did not answer, ms: twice as long each time. */
const FIRST_REST_MS = 10 * 60_000
const LAST_REST_MS = 24 * 60 * 60_000
/** How long a notary's own keys are believed without another look, ms. */
const NOTARY_KEYS_MS = 3_600_000
/** How long others wait for one that asks: its request may have been cut off, ms. */
const WAIT_MS = 15_000

interface RingParts {
  store: ServerKeyStore
  client: FederationClient
  clock: Clock
  config: Pick<Config, 'serverName' | 'signingKeys' | 'endedSigningKeys' | 'federation'>
}

/** The key ring of one isolate. */
export function keyRing({ store, client, clock, config }: RingParts): KeyRing {
  const now = () => clock.now()
  const memory = new KeyMemory(config, now)
  const notaries = new Map<string, { keys: ServerKey[]; at: number }>()
  const parts = { client, now }
  /** What is being asked, by server. */
  const asking = new Map<string, Promise<unknown>>()

  /** What Postgres knows. Without it the keys are asked for anew. */
  async function recall(wanted: readonly WantedKey[]): Promise<void> {
    const found = await store.find(wanted).catch(() => undefined)
    for (const key of found?.keys ?? []) memory.keep(key)
    for (const failure of found?.failures ?? []) memory.noteFailure(failure)
  }

  async function notaryKeys(serverName: string): Promise<ServerKey[]> {
    const known = notaries.get(serverName)
    const at = now()
    if (known !== undefined && at - known.at < NOTARY_KEYS_MS) return known.keys
    const told = memory.rests(serverName) ? undefined : await keysOfServer(serverName, parts)
    if (told === undefined) await failed([serverName])
    const keys = (told ?? []).filter(({ validUntil }) => validUntil >= at)
    // One that does not answer now is not asked again at once.
    if (keys.length > 0) notaries.set(serverName, { keys, at })
    return keys
  }

  async function byNotaries(missing: readonly MissingKey[]): Promise<void> {
    let left = missing
    for (const serverName of config.federation.notaries) {
      if (left.length === 0) return
      const keys = await notaryKeys(serverName)
      if (keys.length === 0) continue
      const told = await keysByNotary({ serverName, keys }, left, parts)
      await took(told)
      const has = new Set(told.map((key) => `${key.serverName} ${key.keyId}`))
      left = left.filter(({ serverName: of, keyId }) => !has.has(`${of} ${keyId}`))
    }
  }

  async function byServers(missing: readonly MissingKey[], atOnce: number): Promise<void> {
    const names = [...new Set(missing.map(({ serverName }) => serverName))]
      .filter((name) => !memory.rests(name))
      .slice(0, MOST_ASKED)
    const told = await keysOfServers(names, parts, atOnce)
    for (const name of names) if (told.get(name) !== undefined) memory.noteAnswer(name)
    await took([...told.values()].flatMap((keys) => keys ?? []))
    await failed(names.filter((name) => told.get(name) === undefined))
  }

  async function took(keys: readonly ServerKey[]): Promise<void> {
    // One row each: a statement changes no row twice.
    const distinct = new Map(keys.map((key) => [`${key.serverName} ${key.keyId}`, key]))
    for (const key of distinct.values()) memory.keep(key)
    if (distinct.size > 0) await store.put([...distinct.values()]).catch(() => undefined)
  }

  async function failed(serverNames: readonly string[]): Promise<void> {
    const at = now()
    const failures = serverNames.map((serverName): KeyFailure => {
      const count = memory.failuresOf(serverName) + 1
      const rest = Math.min(LAST_REST_MS, FIRST_REST_MS * 2 ** Math.min(count - 1, 10))
      return { serverName, failures: count, retryAt: at + rest }
    })
    for (const failure of failures) memory.noteFailure(failure)
    if (failures.length > 0) await store.putFailures(failures, at).catch(() => undefined)
  }

  async function fetchAll(missing: readonly MissingKey[], atOnce: number): Promise<void> {
    const [first, second] = missing.length <= FEW ? [byServers, byNotaries] : [byNotaries, byServers]
    await first(missing, atOnce)
    const left = missing.filter((key) => !memory.isHad(key))
    if (left.length > 0) await second(left, atOnce)
  }

  /** A server that is being asked is not asked a second time meanwhile. */
  async function fetchOnce(missing: readonly MissingKey[], atOnce: number): Promise<void> {
    const others = missing.filter(({ serverName }) => asking.has(serverName))
    const own = missing.filter(({ serverName }) => !asking.has(serverName))
    const names = new Set(own.map(({ serverName }) => serverName))
    const waited = [...new Set(others.map(({ serverName }) => asking.get(serverName)!))]
    const fetching = own.length === 0 ? undefined : fetchAll(own, atOnce)
    for (const name of names) asking.set(name, fetching!)
    try {
      await Promise.all([fetching, ...waited.map((one) => inTime(WAIT_MS, one))])
    } finally {
      for (const name of names) if (asking.get(name) === fetching) asking.delete(name)
    }
  }

  return {
    known: ({ byTime }) => memory.lookup(byTime),
    async collect(wanted, { byTime, atOnce = AT_ONCE }): Promise<KeyLookup> {
      const open = () => wanted.filter((key) => !memory.isSettled(key, byTime))
      if (open().length > 0) await recall(open())
      const missing = open().filter(({ serverName }) => !memory.rests(serverName))
      if (missing.length > 0) {
        const at = now()
        await fetchOnce(
          missing.map(({ serverName, keyId, at: signedAt }) => ({
            serverName,
            keyId,
            // No server vouches for more than the present.
            until: byTime ? Math.min(signedAt, at) : 0,
          })),
          atOnce,
        )
      }
      return memory.lookup(byTime)
    },
  }
}
