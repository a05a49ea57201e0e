/** What guests may do at all, and what suspended users may not: tables of methods and paths. */
import type { Context } from 'hono'
import { suspended } from '../../src/accounts/standing.ts'
import type { Session } from '../../src/ports.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppEnv } from '../app-env.ts'

interface Row {
  methods: string
  /** Of the path below the version. */
  path: RegExp
}

const PREFIX = /^\/_matrix\/client\/(?:v\d+|r0|unstable(?:\/[^/]+\.[^/]+)?)/

/** Client-Server API §Guest Access, and what a client needs to live with that. */
const FOR_GUESTS: Row[] = [
  { methods: 'GET', path: /^\/(account\/whoami|sync|events|capabilities|joined_rooms)$/ },
  { methods: 'POST', path: /^\/logout(\/all)?$/ },
  { methods: 'GET PUT', path: /^\/devices(\/[^/]+)?$/ },
  { methods: 'POST', path: /^\/keys\/(upload|query|claim)$/ },
  { methods: 'PUT', path: /^\/sendToDevice\// },
  { methods: 'GET POST', path: /^\/user\/[^/]+\/filter(\/[^/]+)?$/ },
  { methods: 'POST', path: /^\/(join\/[^/]+|rooms\/[^/]+\/(join|leave))$/ },
  { methods: 'GET', path: /^\/rooms\/[^/]+\/(event|state|members|context|messages|initialSync)(\/|$)/ },
  { methods: 'PUT', path: /^\/rooms\/[^/]+\/(send|state)\// },
  // "Guests may set their display name" and nothing else of a profile.
  { methods: 'PUT DELETE', path: /^\/profile\/[^/]+\/displayname$/ },
  { methods: 'GET', path: /^\/media\/(download|thumbnail)\// },
]

/** Client-Server API §Account suspension: who is suspended reads, leaves and tidies up, and tells nobody anything. */
const NOT_FOR_SUSPENDED: Row[] = [
  { methods: 'POST', path: /^\/(createRoom|join\/[^/]+|knock\/[^/]+)$/ },
  { methods: 'POST', path: /^\/rooms\/[^/]+\/(join|invite|kick|ban|unban|upgrade)$/ },
  { methods: 'PUT POST', path: /^\/rooms\/[^/]+\/(send|state)\// },
  { methods: 'PUT DELETE', path: /^\/profile\// },
]

/** "Redact their own events" they may. */
const REDACTION = /^\/rooms\/([^/]+)\/redact\/([^/]+)/

/** @throws MatrixError M_GUEST_ACCESS_FORBIDDEN */
export function refuseGuest(c: Context<AppEnv>): void {
  if (stands(FOR_GUESTS, c)) return
  throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests may not do this: make an account')
}

/** @throws MatrixError M_USER_SUSPENDED */
export async function refuseSuspended(c: Context<AppEnv>, session: Session): Promise<void> {
  if (stands(NOT_FOR_SUSPENDED, c) || !(await isOwnRedaction(c, session))) {
    throw suspended()
  }
}

function stands(rows: readonly Row[], c: Context<AppEnv>): boolean {
  const path = pathOf(c)
  return rows.some((row) => row.methods.split(' ').includes(c.req.method) && row.path.test(path))
}

/** True as well for everything that is no redaction. */
async function isOwnRedaction(c: Context<AppEnv>, session: Session): Promise<boolean> {
  const [, roomId, eventId] = REDACTION.exec(pathOf(c)) ?? []
  if (roomId === undefined || eventId === undefined) return true
  const event = await c.var.objects
    .room(decodeURIComponent(roomId))
    .event(session, decodeURIComponent(eventId))
  return event.sender === session.userId
}

function pathOf(c: Context<AppEnv>): string {
  return c.req.path.replace(PREFIX, '')
}
