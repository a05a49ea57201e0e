/** Rendezvous sessions in Redis: each write is a key of its own, so that one of two writers over one version wins. */
import * as z from 'zod'
import type { Rendezvous, RendezvousStore } from '../../ports/rendezvous.ts'
import type { RedisClients } from './client.ts'

const TIMEOUT_MS = 2000
/** A sign-in takes about ten; all of them are read at once. */
const MAX_VERSIONS = 32

const Stored = z.object({ payload: z.string(), modifiedTs: z.number(), expiresTs: z.number() })

/**
 * The store over these clients. The newest version is the one with the highest number; its successor is set `nx`,
 * which needs neither scripts nor locks, and leaves nothing half done. Without its first version a session is gone.
 */
export function redisRendezvous(clients: RedisClients, clock: { now(): number }): RendezvousStore {
  const client = clients.within(TIMEOUT_MS)
  const write = async (id: string, { version, ...stored }: Rendezvous): Promise<boolean> => {
    const px = stored.expiresTs - clock.now()
    if (px <= 0) return false
    return (await client.set(keyOf(id, version), JSON.stringify(stored), { px, nx: true })) !== null
  }
  const find: RendezvousStore['find'] = async (id) => {
    const texts = await client.mget<(string | null)[]>(...allKeys(id))
    if (texts[0] == null) return undefined
    const last = texts.findLastIndex((text) => text != null)
    return { version: last + 1, ...Stored.parse(JSON.parse(texts[last]!)) }
  }
  return {
    find,
    async create(id, payload, lifetimeMs) {
      const now = clock.now()
      const first = { version: 1, payload, modifiedTs: now, expiresTs: now + lifetimeMs }
      await write(id, first)
      return first
    },
    async replace(id, version, payload) {
      const before = await find(id)
      if (before === undefined) return 'gone'
      if (before.version !== version) return 'changed'
      if (version >= MAX_VERSIONS) return 'spent'
      const next = { ...before, version: version + 1, payload, modifiedTs: clock.now() }
      return (await write(id, next)) ? next : 'changed'
    },
    async remove(id) {
      return (await client.del(...allKeys(id))) > 0
    },
  }
}

function allKeys(id: string): string[] {
  return Array.from({ length: MAX_VERSIONS }, (_, index) => keyOf(id, index + 1))
}

function keyOf(id: string, version: number): string {
  return `rendezvous:${id}:${version}`
}
