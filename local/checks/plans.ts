/** Which checks each way of looking at a deployment makes. */
import type { Check } from './check.ts'
import { account, logout } from './rows/account.ts'
import { address } from './rows/address.ts'
import { apiChecks } from './rows/api.ts'
import { browsers } from './rows/browsers.ts'
import { endpoints } from './rows/endpoints.ts'
import { journey } from './rows/journey.ts'
import { latency, reach } from './rows/latency.ts'
import { limits, refusals } from './rows/refusals.ts'
import { deep, throughServices } from './rows/services.ts'

/** What is seen from outside without a user. */
const outside = (): Check[] => [...endpoints, ...address, ...browsers, ...refusals, deep]

/** The steps of the journey that others build on: a user, a room with a message. */
const begun = (): Check[] => journey.slice(0, account.length + 2)
const withoutLogout = (): Check[] => journey.filter((check) => check !== logout)

export const PLANS = {
  quick: {
    help: 'Endpoints, certificate, names, browsers, refusals; no user is needed. The default.',
    checks: () => [...outside(), reach],
  },
  full: {
    help: 'All of it: also a user from the registration to the logout, the API, the services, latency, limits.',
    checks: () => [
      ...outside(),
      ...withoutLogout(),
      ...throughServices,
      ...apiChecks(),
      ...latency,
      limits,
      logout,
    ],
  },
  services: {
    help: 'What stands behind the server: databases, storage, thumbnails, the fan-out, the archive.',
    checks: () => [...endpoints.slice(0, 1), deep, ...withoutLogout(), ...throughServices],
  },
  api: {
    help: 'One answer of each part of the API, judged by its schema.',
    checks: () => [...begun(), ...apiChecks()],
  },
} as const satisfies Record<string, { help: string; checks: () => Check[] }>

export type PlanName = keyof typeof PLANS

/** What a monitor repeats. */
export const monitored = (): Check[] => outside().filter(({ group }) => group !== 'refusals')
