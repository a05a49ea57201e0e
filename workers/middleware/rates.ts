/** How often each route may be asked: every route of the app has a class, every class an allowance. */

/** So many at once, and then so many a second. */
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
  /** Users whose keys are asked for or claimed: a client that enters a large room asks for all who are there. */
  keyTargets: { burst: 20_000, perSecond: 200 },
  /** To-device messages, not requests: one to each device of a large room is as many as there are devices. */
  toDevice: { burst: 10_000, perSecond: 100 },
  search: { burst: 30, perSecond: 2 },
  upload: { burst: 50, perSecond: 1 },
  // "Servers should limit the number of pending media uploads a given user can have."
  reservation: { burst: 10, perSecond: 0.2 },
  download: { burst: 500, perSecond: 50 },
  thumbnail: { burst: 300, perSecond: 30 },
  /** Pictures that are decoded: a thumbnail that is there already is none. */
  picture: { burst: 200, perSecond: 3 },
  preview: { burst: 30, perSecond: 0.5 },
  report: { burst: 10, perSecond: 0.1 },
  // Two devices ask once a second each.
  rendezvous: { burst: 100, perSecond: 20 },
  /** Tokens that prove to others who somebody is: each is kept for an hour. */
  openId: { burst: 20, perSecond: 0.2 },
  /** What begins or goes on with a session, of all behind one address. */
  entry: { burst: 100, perSecond: 5 },
} satisfies Record<string, Allowance>

export type RateClass = keyof typeof ALLOWANCES

export interface Rate {
  rate: RateClass | 'free'
  /** Whoever asks is counted by their address, with a token or without: the route looks at none. */
  isOpen: boolean
}

interface Row {
  rate: Rate['rate']
  methods: string
  /** Of the route's own pattern, below the version. */
  path: RegExp
}

/** The first row that fits holds. */
const ROWS: Row[] = [
  // Of the operator, and what monitors ask.
  { rate: 'free', methods: 'GET POST PUT DELETE', path: /^\/_(selvedge|synapse)\/(?!admin\/v1\/register$)/ },
  { rate: 'free', methods: 'GET', path: /^\/(|health|metrics)$/ },

  {
    rate: 'entry',
    methods: 'GET POST',
    path: /^\/(login|refresh|register\b.*|_synapse\/admin\/v1\/register)$/,
  },
  { rate: 'rendezvous', methods: 'GET POST PUT DELETE', path: /^\/rendezvous(\/:id)?$/ },

  { rate: 'message', methods: 'PUT POST', path: /^\/rooms\/:roomId\/(send|state|redact|delayed_event)\// },
  { rate: 'message', methods: 'POST', path: /^\/delayed_events\// },
  { rate: 'join', methods: 'POST', path: /^\/(createRoom|join\/:room|knock\/:room)$/ },
  { rate: 'join', methods: 'POST', path: /^\/rooms\/:roomId\/(join|upgrade)$/ },
  { rate: 'invite', methods: 'POST', path: /^\/rooms\/:roomId\/invite$/ },
  { rate: 'report', methods: 'POST', path: /\/report(\/:eventId)?$/ },

  { rate: 'search', methods: 'GET POST', path: /^\/(search|publicRooms|user_directory\/search)$/ },
  { rate: 'search', methods: 'GET', path: /\/(hierarchy|mutual_rooms)$/ },

  { rate: 'keys', methods: 'POST', path: /^\/keys\// },
  { rate: 'keys', methods: 'GET POST PUT DELETE', path: /^\/room_keys\// },
  { rate: 'keys', methods: 'GET POST PUT DELETE', path: /^\/dehydrated_device/ },

  { rate: 'upload', methods: 'POST PUT', path: /^\/media\/upload/ },
  { rate: 'reservation', methods: 'POST', path: /^\/media\/create$/ },
  { rate: 'download', methods: 'GET', path: /^\/media\/download\// },
  { rate: 'thumbnail', methods: 'GET', path: /^\/media\/thumbnail\// },
  { rate: 'preview', methods: 'GET', path: /^\/media\/preview_url$/ },

  { rate: 'sync', methods: 'GET', path: /^\/(sync|events)$/ },

  { rate: 'write', methods: 'POST', path: /^\/(account|logout|delete_devices|pushers)(\/|$)/ },
  { rate: 'write', methods: 'POST', path: /^\/rooms\/:roomId\/(leave|forget|kick|ban|unban)$/ },
  { rate: 'write', methods: 'POST', path: /^\/rooms\/:roomId\/(receipt\/|read_markers$)/ },
  { rate: 'write', methods: 'PUT DELETE', path: /^\/rooms\/:roomId\/thread\// },
  { rate: 'openId', methods: 'POST', path: /^\/user\/:userId\/openid\/request_token$/ },
  { rate: 'write', methods: 'POST', path: /^\/user\/:userId\/filter$/ },
  { rate: 'write', methods: 'PUT DELETE', path: /^\/(devices|directory|presence|profile|pushrules|user)\// },
  { rate: 'write', methods: 'PUT', path: /^\/(sendToDevice|admin|rooms\/:roomId\/typing)\// },

  { rate: 'read', methods: 'GET', path: /^\// },
]

/** The parts of paths that say the API and its version, old names included. */
const PREFIX =
  /^\/_matrix\/(?:client\/(?:v\d+|r0|unstable(?:\/[^/]+\.msc\d+(?:\.v\d+)?)?)|media\/(?:v\d+|r0))(?=\/)/
const MEDIA = /^\/_matrix\/media\//

/** Media without a token, and what comes before there is a session. */
const OPEN_PATH = /^\/_matrix\/media\/[^/]+\/(download|thumbnail)\//
const OPEN_RATES: ReadonlySet<Rate['rate']> = new Set(['entry', 'rendezvous'])

const known = new Map<string, Rate | undefined>()

/** The class of a route, by its method and its pattern; undefined: the table has none for it. */
export function rateOf(method: string, pattern: string): Rate | undefined {
  const name = `${method} ${pattern}`
  if (!known.has(name)) known.set(name, find(method, pattern))
  return known.get(name)
}

/** A route's pattern without API and version; the content repository's own paths stand below `/media`. */
export function bareRoute(pattern: string): string {
  const bare = pattern.replace(PREFIX, '')
  return MEDIA.test(pattern) ? `/media${bare}` : bare
}

function find(method: string, pattern: string): Rate | undefined {
  const path = bareRoute(pattern)
  const rate = ROWS.find((row) => row.methods.split(' ').includes(method) && row.path.test(path))?.rate
  return rate && { rate, isOpen: OPEN_RATES.has(rate) || OPEN_PATH.test(pattern) }
}
