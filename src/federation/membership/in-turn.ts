/** Asks several servers in turn, and says of their refusals the one that tells a person the most. */
import type { Clock } from '../../ports/system.ts'
import { type ErrorCode, MatrixError } from '../../protocol/errors.ts'
import { isServerName, serverNameOf } from '../../protocol/identifiers.ts'
import { ServerFailure } from '../server-failure.ts'

/** A request of a client asks no more servers than this, and begins with none after so long, ms. */
const MOST_SERVERS = 10
const LAST_START_MS = 60_000

/** The servers that are worth asking, each once: first those that were named, then those of ids. */
export function candidates(
  names: readonly string[],
  ids: readonly (string | undefined)[],
  ownName: string,
): string[] {
  const servers = new Set<string>()
  for (const name of [...names, ...ids.map((id) => serverNameOf(id ?? ''))]) {
    if (servers.size === MOST_SERVERS) break
    if (name !== ownName && isServerName(name)) servers.add(name)
  }
  return [...servers]
}

/**
 * What the first server answers with which the attempt succeeds.
 * @throws MatrixError of the most telling failure, M_NOT_FOUND without a server to ask
 */
export async function inTurn<T>(
  servers: readonly string[],
  clock: Clock,
  attempt: (server: string) => Promise<T>,
): Promise<T> {
  const startedAt = clock.now()
  const failures: MatrixError[] = []
  for (const server of servers) {
    if (clock.now() - startedAt > LAST_START_MS) break
    try {
      return await attempt(server)
    } catch (error) {
      failures.push(asMatrixError(error, server))
    }
  }
  throw mostTelling(failures)
}

/** What another server may say to a user here, the most telling first. Its words and other codes stay behind. */
const PASSED_ON: readonly ErrorCode[] = [
  'M_FORBIDDEN',
  'M_INVITE_BLOCKED',
  'M_UNABLE_TO_GRANT_JOIN',
  'M_UNABLE_TO_AUTHORISE_JOIN',
  'M_INCOMPATIBLE_ROOM_VERSION',
  'M_UNSUPPORTED_ROOM_VERSION',
  'M_NOT_FOUND',
]

/** A failure as a client is told of it. @throws what is no failure of another server */
export function asMatrixError(error: unknown, server: string): MatrixError {
  if (error instanceof MatrixError) return OWN.has(error.errcode) ? error : unusable(error.message)
  if (!(error instanceof ServerFailure)) throw error
  const errcode = PASSED_ON.find((code) => code === error.errcode)
  if (errcode !== undefined) return new MatrixError(errcode, `${server} refuses this: ${errcode}`)
  const why = error.kind === 'unreachable' ? 'cannot be reached' : 'gives no usable answer'
  return unusable(`${server} ${why}`)
}

/** What this server itself says of an attempt. Its other errors are about what the other server has sent. */
const OWN: ReadonlySet<ErrorCode> = new Set([...PASSED_ON, 'M_TOO_LARGE', 'M_UNKNOWN'])

const BAD_GATEWAY = 502

const unusable = (sentence: string) => new MatrixError('M_UNKNOWN', sentence, { status: BAD_GATEWAY })

function mostTelling(failures: readonly MatrixError[]): MatrixError {
  for (const errcode of PASSED_ON) {
    const found = failures.find((failure) => failure.errcode === errcode)
    if (found !== undefined) return found
  }
  return failures[0] ?? new MatrixError('M_NOT_FOUND', 'No server is known that is in this room')
}
