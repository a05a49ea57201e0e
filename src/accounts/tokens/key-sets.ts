/** The keys that other systems publish: read once, kept, and read again when they are old or a token names a new one. */
import { takeFault } from '../../faults.ts'
import { discard, readBytes } from '../../outside.ts'
import { patiently } from '../../patience.ts'
import type { IssuerKey, KeySetReader, KeySets } from '../../ports/sign-in.ts'
import type { Clock } from '../../ports/system.ts'
import { MatrixError } from '../../protocol/errors.ts'
import { algorithmsOf, candidates } from './algorithms.ts'

/** Longer key sets are not read: a key takes less than a kilobyte. */
const LONGEST_SET = 65_536
const MOST_KEYS = 32

/** How long a set is good without another look, ms. */
const FRESH_MS = 600_000
/** How long it goes on where nobody answers: a system that is away for an hour need not keep its users out. */
const STALE_MS = 3_600_000
/** Whatever tokens come, a set is asked for no more often than this, ms. */
const PAUSE_MS = 10_000
/** How long one look may take, ms, and how long others wait for it: its own request may have been cut off. */
export const READ_MS = 5000
const WAIT_MS = READ_MS + 1000

type Deadline = <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>

/** Reads a key set over `send`: bounded in bytes and time, and no redirect leads it to another place. */
export function keySetReader(send: typeof fetch, deadline: Deadline): KeySetReader {
  return {
    read: (url) =>
      deadline(async (signal) => {
        const headers = { accept: 'application/json, application/jwk-set+json' }
        const response = await send(url, { headers, redirect: 'manual', signal })
        if (!response.ok) {
          await discard(response)
          throw new Error(`The key set answered ${response.status}`)
        }
        const { bytes, isWhole } = await readBytes(response, LONGEST_SET)
        if (!isWhole) throw new Error('The key set is too long')
        return JSON.parse(new TextDecoder().decode(bytes)) as unknown
      }),
  }
}

interface Kept {
  keys: IssuerKey[]
  /** When they were read; never, at first. */
  readAt: number
  triedAt: number
  failed: boolean
  reading?: Promise<void>
}

/** The key sets of one isolate. */
export function keySets(reader: KeySetReader, clock: Clock): KeySets {
  const all = new Map<string, Kept>()

  async function read(url: string, kept: Kept): Promise<void> {
    try {
      kept.keys = keysIn(await reader.read(url))
      kept.readAt = clock.now()
      kept.failed = false
    } catch {
      kept.failed = true
    } finally {
      delete kept.reading
    }
  }

  async function renew(url: string, kept: Kept): Promise<void> {
    const since = clock.now() - kept.triedAt
    if (kept.reading !== undefined && since < WAIT_MS) {
      await patiently(WAIT_MS, kept.reading)
      return
    }
    if (since < PAUSE_MS && !takeFault('key-set:no-pause')) return
    kept.triedAt = clock.now()
    kept.reading = read(url, kept)
    await kept.reading
  }

  return {
    async candidates(url, header) {
      const kept = all.get(url) ?? { keys: [], readAt: never, triedAt: never, failed: false }
      all.set(url, kept)
      const known = clock.now() - kept.readAt < FRESH_MS ? candidates(kept.keys, header) : []
      if (known.length > 0) return known
      await renew(url, kept)
      const found = clock.now() - kept.readAt < STALE_MS ? candidates(kept.keys, header) : []
      // The token may be good: nobody can tell.
      if (found.length === 0 && (kept.failed || kept.readAt === never)) throw unavailable()
      return found
    },
  }
}

const never = Number.NEGATIVE_INFINITY

function unavailable(): MatrixError {
  const message = 'The keys of the system that made this token cannot be had now: try again later'
  return new MatrixError('M_UNKNOWN', message, { status: 503 })
}

/**
 * The public keys of a set for algorithms that we take. A secret in a set that everybody can read is none.
 * @throws if it is no key set
 */
function keysIn(set: unknown): IssuerKey[] {
  const { keys } = set as { keys?: unknown }
  if (!Array.isArray(keys)) throw new Error('This is no key set')
  return keys.slice(0, MOST_KEYS).filter(isPublicKey).map(keyOf)
}

function isPublicKey(key: unknown): key is IssuerKey['jwk'] {
  if (typeof key !== 'object' || key === null) return false
  const jwk = key as IssuerKey['jwk']
  return jwk.kty !== 'oct' && jwk.d === undefined && algorithmsOf(jwk).length > 0
}

function keyOf(jwk: IssuerKey['jwk']): IssuerKey {
  return typeof jwk.kid === 'string' ? { id: jwk.kid, jwk } : { jwk }
}
