/** What a check is, and the visit to a server that it is part of. */
import type { TokenKey } from '../../src/ports/config.ts'
import type { Ask } from './http.ts'

export type Group =
  | 'endpoints'
  | 'address'
  | 'browsers'
  | 'refusals'
  | 'journey'
  | 'services'
  | 'api'
  | 'latency'
  | 'clean-up'

/** A list of measured values, for a plot. */
export interface Series {
  name: string
  unit: 'ms'
  values: number[]
}

/** What a check tells besides that all is well. */
export interface Finding {
  note?: string
  series?: Series[]
}

export interface Check {
  group: Group
  name: string
  /** How long it may take, ms; 30,000 unless told. */
  limitMs?: number
  run(visit: Visit, ask: Ask): Promise<void> | Promise<Finding | undefined>
}

export interface Result extends Finding {
  group: Group
  name: string
  state: 'passed' | 'failed' | 'skipped'
  ms: number
}

export interface Session {
  userId: string
  deviceId: string
  token: string
}

export interface Visitor {
  /** The device that sends. */
  first: Session
  /** The device that waits, logs out and is logged out. */
  second?: Session
  password: string
  /** Made for this visit, and deactivated after it. */
  isOurs: boolean
}

/** By what the checks may get a user; the first that is there counts. */
export interface Entry {
  user?: { name: string; password: string }
  sharedSecret?: string
  registrationToken?: string
}

/** A step that undoes something. */
export type CleanUp = Omit<Check, 'group'>

export interface Visit {
  url: string
  /** As the operator gave it; the server itself says it with the first user id. */
  serverName?: string
  entry: Entry
  metricsToken?: string
  operator?: { keys: TokenKey[]; serverName: string }
  /** Ends each name, so that two visits do not meet. */
  mark: string
  visitor?: Visitor
  /** What the checks have made, by the names that others ask by. */
  made: { roomId?: string; eventId?: string; word?: string; since?: string; media?: string; version?: string }
  cleanUps: CleanUp[]
}
