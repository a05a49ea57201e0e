/** What Redis says of itself. */
import type { KeyKind, KeyKinds, RedisFacts } from '../../ports/store-facts.ts'
import type { RedisClients } from './client.ts'

const TIMEOUT_MS = 2_000
/** Keys that are looked at, and how many at once. */
const MOST_KEYS = 1_000
const AT_ONCE = 250
const PROBE = 'probe'
const PROBE_S = 60

/** @throws MatrixError when Redis does not answer */
export async function redisFacts(clients: RedisClients): Promise<RedisFacts> {
  const client = clients.within(TIMEOUT_MS)
  const keys = Number(await client.exec<number>(['dbsize']))
  // Some services do not tell it.
  const text = await client.exec<string>(['info', 'memory']).catch(() => '')
  const [, used] = /^used_memory:(\d{1,15})\r?$/m.exec(text) ?? []
  return { keys, memoryBytes: used === undefined ? undefined : Number(used) }
}

/**
 * The kinds of the first thousand keys, with their times to live.
 * @param prefix what stands in front of every key of this server: it holds no sign of a pattern
 * @throws MatrixError when Redis does not answer
 */
export async function redisKeyKinds(clients: RedisClients, prefix: string): Promise<KeyKinds> {
  const client = clients.within(TIMEOUT_MS)
  const kinds = new Map<string, KeyKind>()
  const seen = new Set<string>()
  let cursor = '0'
  do {
    // Redis may answer fewer keys than it is asked for, and none: so the number of questions is bounded too.
    const ask: [string, ...string[]] = ['scan', cursor, 'match', `${prefix}*`, 'count', String(AT_ONCE)]
    const [next, found] = await client.exec<[string, string[]]>(ask)
    cursor = String(next)
    const keys = found.map((key) => key.slice(prefix.length)).filter((key) => !seen.has(key))
    for (const key of keys) seen.add(key)
    if (keys.length > 0) {
      const pipeline = client.pipeline()
      for (const key of keys) pipeline.pttl(key)
      const lives = await pipeline.exec<number[]>()
      for (const [index, key] of keys.entries()) note(kinds, key, Number(lives[index]))
    }
  } while (cursor !== '0' && seen.size < MOST_KEYS)
  return {
    kinds: [...kinds.values()].sort((a, b) => b.keys - a.keys),
    looked: seen.size,
    isWhole: cursor === '0',
  }
}

/** @param lifeMs -1: without an end; -2: it has just gone */
function note(kinds: Map<string, KeyKind>, key: string, lifeMs: number): void {
  if (lifeMs === -2) return
  const kind = key.includes(':') ? key.slice(0, key.indexOf(':')) : key
  const known = kinds.get(kind) ?? { kind, keys: 0, shortestMs: undefined, longestMs: undefined, lasting: 0 }
  kinds.set(kind, known)
  known.keys += 1
  if (lifeMs < 0) {
    known.lasting += 1
    return
  }
  known.shortestMs = Math.min(known.shortestMs ?? lifeMs, lifeMs)
  known.longestMs = Math.max(known.longestMs ?? lifeMs, lifeMs)
}

/** Half of them write a key, half of them read it. @throws MatrixError when Redis does not answer */
export async function redisProbe(clients: RedisClients, many: number): Promise<void> {
  const client = clients.within(TIMEOUT_MS)
  const pipeline = client.pipeline()
  for (let index = 0; index < many; index += 1) {
    if (index % 2 === 0) pipeline.set(PROBE, 'x', { ex: PROBE_S })
    else pipeline.get(PROBE)
  }
  await pipeline.exec()
}
