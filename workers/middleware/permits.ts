/** What guests and suspended users may do: every route of the app has a row, and what has none is for neither. */
import { bareRoute } from './rates.ts'

/** Everybody else who is logged in may use every route; what they may there is for its handler. */
export interface Permit {
  /** Client-Server API §Guest Access, and what a client needs to live with that. */
  guests: boolean
  /**
   * Client-Server API §Account suspension: they read, leave and tidy up, and tell nobody anything. `own`: as far as it
   * concerns nobody but themselves.
   */
  suspended: boolean | 'own'
}

const EVERYBODY: Permit = { guests: true, suspended: true }
const NO_GUESTS: Permit = { guests: false, suspended: true }
const NOT_SUSPENDED: Permit = { guests: true, suspended: false }
const NEITHER: Permit = { guests: false, suspended: false }

interface Row {
  permit: Permit
  methods: string
  /** Of the route's own pattern, below the version. */
  path: RegExp
}

/** The first row that fits holds. */
const ROWS: Row[] = [
  // Of administrators.
  {
    permit: NEITHER,
    methods: 'GET PUT POST DELETE',
    path: /^\/(admin\/(lock|suspend)|_(synapse|selvedge)\/admin)\/(?!v1\/register$)/,
  },
  // No session is asked for, or another secret stands for it; what everybody may look up.
  {
    permit: EVERYBODY,
    methods: 'GET POST PUT',
    path: /^\/(login|refresh|register\b.*|_synapse\/.*|_selvedge\/.*)$/,
  },
  { permit: EVERYBODY, methods: 'POST', path: /^\/account\/(password|3pid)\/(email|msisdn)\/requestToken$/ },
  { permit: EVERYBODY, methods: 'GET POST PUT DELETE', path: /^\/rendezvous(\/:id)?$/ },
  {
    permit: EVERYBODY,
    methods: 'GET',
    path: /^\/(|health|metrics|\.well-known\/.*|_matrix\/.*|profile\/.*)$/,
  },
  { permit: EVERYBODY, methods: 'GET', path: /^\/(publicRooms|directory\/room\/:alias)$/ },

  // One's session and devices.
  { permit: EVERYBODY, methods: 'GET', path: /^\/(account\/whoami|capabilities|joined_rooms)$/ },
  { permit: EVERYBODY, methods: 'POST', path: /^\/logout(\/all)?$/ },
  { permit: EVERYBODY, methods: 'GET PUT', path: /^\/devices(\/:deviceId)?$/ },
  { permit: EVERYBODY, methods: 'POST', path: /^\/keys\/(upload|query|claim)$/ },
  { permit: EVERYBODY, methods: 'GET POST', path: /^\/user\/:userId\/filter(\/:filterId)?$/ },
  // A suspended user goes on verifying their own devices.
  { permit: { guests: true, suspended: 'own' }, methods: 'PUT', path: /^\/sendToDevice\// },

  // Reading.
  { permit: EVERYBODY, methods: 'GET', path: /^\/(sync|events)$/ },
  {
    permit: EVERYBODY,
    methods: 'GET',
    path: /^\/rooms\/:roomId\/(event|state|members|context|messages|initialSync)(\/|$)/,
  },
  {
    permit: EVERYBODY,
    methods: 'GET',
    path: /^\/(rooms\/:roomId\/(hierarchy$|relations\/)|room_summary\/|keys\/changes$|thirdparty\/)/,
  },
  { permit: EVERYBODY, methods: 'POST', path: /^\/publicRooms$/ },
  { permit: EVERYBODY, methods: 'GET', path: /^\/media\/(download|thumbnail)\// },
  { permit: EVERYBODY, methods: 'POST', path: /^\/rooms\/:roomId\/leave$/ },

  // Telling others.
  { permit: NOT_SUSPENDED, methods: 'POST', path: /^\/(join\/:room|rooms\/:roomId\/join)$/ },
  { permit: NOT_SUSPENDED, methods: 'PUT', path: /^\/rooms\/:roomId\/(send|state)\// },
  // "Guests may set their display name", and nothing else of a profile: the handler knows which field it is.
  { permit: NOT_SUSPENDED, methods: 'PUT DELETE', path: /^\/profile\/:userId\/:key$/ },
  { permit: NEITHER, methods: 'POST', path: /^\/(createRoom|knock\/:room)$/ },
  { permit: NEITHER, methods: 'POST', path: /^\/rooms\/:roomId\/(invite|kick|ban|unban|upgrade)$/ },
  { permit: NEITHER, methods: 'POST', path: /^\/rooms\/:roomId\/send\// },
  { permit: NEITHER, methods: 'PUT', path: /^\/rooms\/:roomId\/(delayed_event|typing)\// },
  { permit: NEITHER, methods: 'PUT', path: /^\/presence\// },
  { permit: NEITHER, methods: 'PUT DELETE', path: /^\/directory\/(room\/:alias|list\/room\/:roomId)$/ },
  { permit: NEITHER, methods: 'POST PUT', path: /^\/media\/(upload|create)/ },
  // By it, other services let a user in, such as those that carry calls.
  { permit: NEITHER, methods: 'POST', path: /^\/user\/:userId\/openid\/request_token$/ },
  { permit: { guests: false, suspended: 'own' }, methods: 'PUT POST', path: /^\/rooms\/:roomId\/redact\// },

  // One's own things, and what is left to read.
  { permit: NO_GUESTS, methods: 'GET', path: /^\// },
  {
    permit: NO_GUESTS,
    methods: 'POST',
    path: /^\/(account|delete_devices|pushers\/set|search)(\/|$)/,
  },
  {
    permit: NO_GUESTS,
    methods: 'POST',
    path: /^\/(user_directory\/search|(rooms|users)\/.*\/report(\/:eventId)?)$/,
  },
  { permit: NO_GUESTS, methods: 'POST', path: /^\/rooms\/:roomId\/(forget|read_markers|receipt\/.*)$/ },
  { permit: NO_GUESTS, methods: 'POST', path: /^\/keys\/(device_signing|signatures)\/upload$/ },
  { permit: NO_GUESTS, methods: 'POST PUT DELETE', path: /^\/(room_keys|dehydrated_device)(\/|$)/ },
  { permit: NO_GUESTS, methods: 'POST', path: /^\/delayed_events\// },
  { permit: NO_GUESTS, methods: 'DELETE', path: /^\/devices\/:deviceId$/ },
  { permit: NO_GUESTS, methods: 'PUT DELETE', path: /^\/(pushrules|user|rooms\/:roomId\/thread)\// },
]

const known = new Map<string, Permit | undefined>()

/** The row of a route, by its method and its pattern; undefined: the table has none for it. */
export function permitOf(method: string, pattern: string): Permit | undefined {
  const name = `${method} ${pattern}`
  if (!known.has(name)) {
    const path = bareRoute(pattern)
    const row = ROWS.find((one) => one.methods.split(' ').includes(method) && one.path.test(path))
    known.set(name, row?.permit)
  }
  return known.get(name)
}
