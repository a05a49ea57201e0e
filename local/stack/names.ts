/** The services of a stack, in the order in which they start, and where all of them listen. */

/** In the order in which they start; they end the other way round. */
export const SERVICE_NAMES = [
  'postgres',
  'redis',
  'kafka',
  'kubo',
  'selvedge',
  'kafka-sink',
  'nginx',
  'prometheus',
] as const
export type ServiceName = (typeof SERVICE_NAMES)[number]

/** Those that come and go with another, which is the one that is named. */
export const FOLLOWS: Partial<Record<ServiceName, ServiceName>> = { 'kafka-sink': 'kafka' }

/** Those that run unless the operator says otherwise; the server itself always does. */
export const BY_DEFAULT: readonly ServiceName[] = ['postgres', 'redis', 'selvedge', 'nginx', 'prometheus']

export const LOOPBACK = '127.0.0.1'
