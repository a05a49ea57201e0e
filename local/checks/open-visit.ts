/** Begins a visit to the server that a command's options name. */
import { randomBytes } from 'node:crypto'
import { addressOf, operatorOf, runningAt } from '../commands/running-server.ts'
import { StartError } from '../start-error.ts'
import { readCertificates, trust } from '../tls.ts'
import type { Entry, Visit } from './check.ts'
import type { Shared } from './flags.ts'

interface Chosen {
  url?: string
  user?: string
  password?: string
  'registration-token'?: string
}

/** @param here the server of this machine's data folder is meant, where no other is named */
export function openVisit(given: Chosen, options: Shared, here: boolean): Visit {
  if (options.ca !== undefined) trust(readCertificates(options.ca))
  const url = addressFor(given, options, here)
  // The keys of a folder are those of the server that runs on it, and of no other.
  const isOfFolder = new URL(url).origin === runningAt(options['data-dir'])
  const operator = process.env.TOKEN_KEYS !== undefined || isOfFolder ? operatorOf(options) : undefined
  return beginVisit({
    url,
    serverName: options['server-name'] ?? operator?.serverName,
    entry: entryOf(given, options),
    metricsToken: options['metrics-token'],
    operator,
  })
}

/** A visit on which nothing was done yet. */
export function beginVisit(
  known: Pick<Visit, 'url' | 'serverName' | 'entry' | 'metricsToken' | 'operator'>,
): Visit {
  return { ...known, mark: randomBytes(5).toString('hex'), made: {}, cleanUps: [] }
}

function addressFor({ url }: Chosen, options: Shared, here: boolean): string {
  if (url !== undefined) return url
  if (here) return addressOf({ ...options, host: undefined, port: undefined, 'public-url': undefined })
  throw new StartError(
    '--url is missing: name the server by the address that clients reach it by (see --help)',
    2,
  )
}

function entryOf(given: Chosen, options: Shared): Entry {
  const { user, password } = given
  if (user !== undefined && password === undefined)
    throw new StartError('--user needs --password, or the variable CHECK_PASSWORD (see --help)', 2)
  return {
    user: user === undefined || password === undefined ? undefined : { name: user, password },
    sharedSecret: options['registration-shared-secret'],
    registrationToken: given['registration-token'],
  }
}
