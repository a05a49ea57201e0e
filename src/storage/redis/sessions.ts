/** Token sessions in Redis: a copy of the User objects' device rows, which is never trusted for long. */
import * as z from 'zod'
import type { Session } from '../../objects/user/session.ts'
import type { SessionStore } from '../../ports/sessions.ts'
import type { Clock } from '../../ports/system.ts'
import type { RedisClients } from './client.ts'

/** How long a copy is believed: a revocation that never reached Redis takes effect after that at the latest. */
const TRUSTED_S = 300
/** A mark of an ended session outlives every copy that could have been on its way. */
const ENDED_S = 2 * TRUSTED_S
const ENDED = 'ended'

/** After a failure, revocations may not have arrived: for this long the owner is asked about every session. */
const DISTRUST_MS = 60_000

const WRITE_TIMEOUT_MS = 1000

const Copy = z.tuple([z.string(), z.string(), z.number()])

/** The session store over these clients. */
export function redisSessions(clients: RedisClients, clock: Clock): SessionStore {
  const reader = clients.asUsual()
  const writer = clients.within(WRITE_TIMEOUT_MS)
  return {
    isKept: true,
    async get(sessionId) {
      if (isDistrusted(clients, clock)) throw new Error('Redis failed a moment ago')
      const text = await reader.get<string>(keyOf(sessionId))
      return text === null || text === ENDED ? undefined : copyOf(text, sessionId, clock.now())
    },
    async put({ userId, deviceId, sessionId }) {
      const copy = JSON.stringify([userId, deviceId, clock.now()])
      // `nx`: a copy that was on its way while the session ended meets the mark, and stays out.
      await writer.set(keyOf(sessionId), copy, { ex: TRUSTED_S, nx: true })
    },
    async remove(sessionIds) {
      if (sessionIds.length === 0) return
      const pipeline = writer.pipeline()
      for (const id of sessionIds) pipeline.set(keyOf(id), ENDED, { ex: ENDED_S })
      await pipeline.exec()
    },
  }
}

/** No copies: the User objects are asked. */
export const noSessionCopies: SessionStore = {
  isKept: false,
  get: async () => undefined,
  put: async () => {},
  remove: async () => {},
}

function keyOf(sessionId: string): string {
  return `session:${sessionId}`
}

function isDistrusted(clients: RedisClients, clock: Clock): boolean {
  const failedAt = clients.lastFailure()
  return failedAt !== undefined && clock.now() - failedAt < DISTRUST_MS
}

/** The session a copy tells of, or undefined when it is too old to be believed. */
function copyOf(text: string, sessionId: string, now: number): Session | undefined {
  const [userId, deviceId, writtenTs] = Copy.parse(JSON.parse(text))
  return now - writtenTs > TRUSTED_S * 1000 ? undefined : { userId, deviceId, sessionId }
}
