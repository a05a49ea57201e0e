/**
 * The line of each request in the log: what it was and how it ended, and for a refused one also the reason and the
 * user.
 */
import type { Context } from 'hono'
import { askingUser } from '../../src/accounts/requester.ts'
import type { Random } from '../../src/ports/system.ts'
import { type AppEnv, portsIn, requesterIn } from '../app-env.ts'
import { clientAddress } from './client-address.ts'

/** The launcher's own requests, which are not a client's: each connection of the TLS listener begins with one. */
const LAUNCHER = '/_selvedge/local/'
/** From here on an answer is a refusal, or a failure. */
const REFUSED = 400
const FAILED = 500

interface Ended {
  route: string
  status: number
  ms: number
}

/**
 * Writes the line, but of requests that succeeded only of the share that the settings ask for. User and address stand
 * in it for refusals alone; at `debug` every request has its line, with both.
 */
export async function logRequest(c: Context<AppEnv>, { route, status, ms }: Ended): Promise<void> {
  const { log, config, random } = portsIn(c)
  if (config.logLevel !== 'info' && config.logLevel !== 'debug') return
  const line = { request_id: c.get('requestId'), method: c.req.method, route, status, ms }
  if (route.startsWith(LAUNCHER)) {
    log.debug('request', line)
    return
  }
  const later = status < FAILED ? (work: Promise<void>) => c.executionCtx.waitUntil(work) : undefined
  if (status < REFUSED && config.logLevel !== 'debug') {
    const { logSample } = config
    // With the share beside them, the lines that are there can be multiplied.
    if (logSample === 1) log.info('request', line, later)
    else if (fractionOf(random) < logSample) log.info('request', { ...line, sample: logSample }, later)
    return
  }
  const errcode = status < REFUSED ? undefined : await errcodeOf(c.res)
  const asker = { user: askingUser(requesterIn(c)), address: clientAddress(c) }
  log.info('request', { ...line, errcode, ...asker }, later)
}

const BYTES = 4

/** From 0 to below 1. */
export function fractionOf(random: Random): number {
  const number = random.bytes(BYTES).reduce((sum, byte) => sum * 256 + byte, 0)
  return number / 256 ** BYTES
}

/** As the answer says it, whether a handler, an object or the edge made it. */
async function errcodeOf(answer: Response): Promise<string | undefined> {
  if (answer.body === null || !answer.headers.get('Content-Type')?.startsWith('application/json'))
    return undefined
  const { errcode } = (await answer.clone().json()) as { errcode?: unknown }
  return typeof errcode === 'string' ? errcode : undefined
}
