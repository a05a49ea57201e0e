/** The grammar of identifiers: users, rooms, aliases, events and servers. Appendices §Identifier Grammar. */
import { Buffer } from 'node:buffer'

/** "The length of a user ID, including the `@` sigil and the domain, MUST NOT exceed 255 bytes"; so of the others. */
export const MAX_ID_BYTES = 255

const NEW_LOCALPART = /^[a-z0-9._=\-/+]+$/
const HASH_ID = /^[A-Za-z0-9_-]{43}$/
const SERVER_NAME = /^(?:\[(?<ipv6>[0-9A-Fa-f:.]{2,45})\]|(?<host>[A-Za-z0-9.-]{1,255}))(?::[0-9]{1,5})?$/
const DOTTED_QUAD = /^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/

/** Whether the text takes at most `limit` bytes of UTF-8. */
export function fitsBytes(text: string, limit: number): boolean {
  // A UTF-16 unit takes one to three bytes, so the length alone settles nearly every case.
  if (text.length > limit) return false
  return text.length * 3 <= limit || Buffer.byteLength(text) <= limit
}

/**
 * Whether the text is a user id that may occur in a room, historical ones included: "servers MUST accept user IDs
 * with localparts consisting of any legal non-surrogate Unicode code points except for `:` and `NUL`", and empty ones.
 */
export function isUserId(text: string): boolean {
  return text.startsWith('@') && hasDomain(text)
}

/** Whether the text is a room id, with a domain or (room version 12 and later) the hash of the create event. */
export function isRoomId(text: string): boolean {
  return text.startsWith('!') && (HASH_ID.test(text.slice(1)) || (text[1] !== ':' && hasDomain(text)))
}

/** Whether a room id can belong to this server: it names this server, or none. */
export function mayBeLocalRoom(roomId: string, serverName: string): boolean {
  return isRoomId(roomId) && (HASH_ID.test(roomId.slice(1)) || serverNameOf(roomId) === serverName)
}

/** Whether the text is a room alias. */
export function isRoomAlias(text: string): boolean {
  return text.startsWith('#') && text[1] !== ':' && hasDomain(text)
}

/**
 * Whether the text may be an event id: "an opaque identifier", whose form each room version chooses for itself. One
 * that no version makes belongs to an event that nobody knows.
 */
export function isEventId(text: string): boolean {
  const isText = text.isWellFormed() && !text.includes('\0')
  return text.length > 1 && text.startsWith('$') && isText && fitsBytes(text, MAX_ID_BYTES)
}

/** Whether the text is a server name: a DNS name or an IP literal, and perhaps a port. */
export function isServerName(text: string): boolean {
  const groups = SERVER_NAME.exec(text)?.groups
  if (groups === undefined) return false
  if (groups.ipv6 !== undefined) return URL.canParse(`http://[${groups.ipv6}]`)
  const host = groups.host ?? ''
  return !DOTTED_QUAD.test(host) || host.split('.').every((octet) => Number(octet) <= 255)
}

/** Whether a new user may have this localpart. Its length is for `isNewUserId`, which knows the server. */
export function isNewLocalpart(localpart: string): boolean {
  return NEW_LOCALPART.test(localpart)
}

/** Whether a new user may be made under this id: today's grammar, and the length of the whole id. */
export function isNewUserId(localpart: string, serverName: string): boolean {
  return isNewLocalpart(localpart) && fitsBytes(userIdOf(localpart, serverName), MAX_ID_BYTES)
}

/** The user id of a localpart on a server. */
export function userIdOf(localpart: string, serverName: string): string {
  return `@${localpart}:${serverName}`
}

/** What stands between the sigil and the first colon. */
export function localpartOf(id: string): string {
  const colon = id.indexOf(':')
  return colon === -1 ? id.slice(1) : id.slice(1, colon)
}

/** What stands after the first colon: the port and an IPv6 literal have colons of their own. Empty without one. */
export function serverNameOf(id: string): string {
  const colon = id.indexOf(':')
  return colon === -1 ? '' : id.slice(colon + 1)
}

/** The form `&localpart:domain`: any code points but `:` and NUL, a server name, at most 255 bytes in all. */
function hasDomain(id: string): boolean {
  const colon = id.indexOf(':')
  return (
    colon !== -1 &&
    fitsBytes(id, MAX_ID_BYTES) &&
    id.isWellFormed() &&
    !id.includes('\0') &&
    isServerName(id.slice(colon + 1))
  )
}
