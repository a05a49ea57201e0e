/** What another server must get of the room: the events of this server's users while it took part. */
import type { OutgoingEvents, OutgoingRequest } from '../../../../src/objects/room/outgoing.ts'
import type { RoomReader } from '../../context.ts'
import { newestPosition } from '../../rows/events/events.ts'
import { hasOwnEvents, ownEvents } from '../../rows/federation/outgoing.ts'
import { largestServers, serverPart } from '../../rows/federation/servers.ts'
import { pduText } from './server-viewer.ts'

/** After an outage a server that lacks more than so many gets the newest, as other servers do it too. */
const TOO_MANY = 500
const MOST_NAMED = 20

export function outgoingEvents({ store, serverName }: RoomReader, request: OutgoingRequest): OutgoingEvents {
  const part = serverPart(store.sql, request.serverName)
  const head = newestPosition(store.sql) ?? 0
  const upTo = Math.min(head, part?.to ?? head)
  const after = Math.max(request.after, part?.from ?? head)
  if (part === undefined || after >= upTo)
    return { events: [], upTo: Math.max(request.after, head), more: false }
  const range = { serverName, after, upTo }
  if (request.afterOutage && hasOwnEvents(store.sql, range, TOO_MANY)) {
    const newest = ownEvents(store.sql, range, { order: 'newest', limit: 1 })
    return { events: newest.map((row) => pduText(row, store.rules)), upTo, more: false }
  }
  const rows = ownEvents(store.sql, range, { order: 'oldest', limit: request.limit })
  const isFull = rows.length === request.limit
  const last = rows.at(-1)
  return {
    events: rows.map((row) => pduText(row, store.rules)),
    upTo: isFull && last !== undefined ? last.pos : upTo,
    more: isFull && last !== undefined && last.pos < upTo,
  }
}

/** Servers through which others can come in: this one, and those with the most users. */
export function serversIn({ store, serverName }: RoomReader): string[] {
  return store.exists ? [serverName, ...largestServers(store.sql, MOST_NAMED)] : []
}
