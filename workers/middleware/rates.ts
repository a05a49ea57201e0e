/** How often something may be asked: each endpoint's row names its class. */

/** This many at once, and then this many a second. */
export interface Allowance {
  burst: number
  perSecond: number
}

/** Generous for people and their clients; what costs more, or reaches more people, has less. */
export const ALLOWANCES = {
  message: { burst: 50, perSecond: 10 },
  join: { burst: 20, perSecond: 1 },
  invite: { burst: 20, perSecond: 1 },
  write: { burst: 200, perSecond: 20 },
  read: { burst: 1_000, perSecond: 100 },
  sync: { burst: 200, perSecond: 30 },
  /** Keys of others, and backups of room keys: a client that comes back asks and stores in large batches. */
  keys: { burst: 200, perSecond: 10 },
  /** Users whose keys are asked for or claimed: a client that enters a large room asks for all its members. */
  keyTargets: { burst: 20_000, perSecond: 200 },
  /** To-device messages, not requests: one to each device of a large room is as many as there are devices. */
  toDevice: { burst: 10_000, perSecond: 100 },
  search: { burst: 30, perSecond: 2 },
  upload: { burst: 50, perSecond: 1 },
  // "Servers should limit the number of pending media uploads a given user can have."
  reservation: { burst: 10, perSecond: 0.2 },
  download: { burst: 500, perSecond: 50 },
  thumbnail: { burst: 300, perSecond: 30 },
  /** Pictures that are decoded: a thumbnail that exists already does not count. */
  picture: { burst: 200, perSecond: 3 },
  preview: { burst: 30, perSecond: 0.5 },
  report: { burst: 10, perSecond: 0.1 },
  // Two devices ask once a second each.
  rendezvous: { burst: 100, perSecond: 20 },
  /** Tokens that prove a user's identity to other services: each is kept for an hour. */
  openId: { burst: 20, perSecond: 0.2 },
  /** What other servers send and ask, each server by itself. */
  federation: { burst: 500, perSecond: 50 },
  /** What begins or continues a session, for everybody behind one address. */
  entry: { burst: 100, perSecond: 5 },
} satisfies Record<string, Allowance>

export type RateClass = keyof typeof ALLOWANCES
