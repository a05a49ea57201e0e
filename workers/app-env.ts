/** What every handler finds in its context. */
import type { GatedObjects } from '../durable-objects/gate.ts'
import type { Env } from '../src/env.ts'
import type { Session } from '../src/objects/user/session.ts'
import type { Ports } from '../src/ports/ports.ts'

/**
 * `session` is there behind `accessToken` or `tokenClaims`, `bodyText` behind a `validate` of JSON; the rest is there for
 * every request.
 */
export type AppEnv = {
  Bindings: Env
  Variables: { ports: Ports; objects: GatedObjects; session: Session; requestId: string; bodyText?: string }
}
