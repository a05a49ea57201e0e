/** Which servers may take part in a room. Client-Server API §m.room.server_acl. */
import type { JsonObject, JsonValue } from '../events/canonical-json.ts'
import { isServerName } from '../identifiers.ts'
import { matchesGlob } from '../matching/glob.ts'
import { MatchWork } from '../matching/match-work.ts'

/**
 * An IPv6 literal in brackets, or a name that ends in a number: URL parsers read `1.2.3.4`, but also `16909060`,
 * `0x1020304` and `1.2.3.4.`, as an IPv4 address, and no top-level domain is a number.
 */
const IP_LITERAL = /^\[|(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)\.?$/
const PORT = /:[0-9]+$/
const WILDCARD = /[*?]/

/**
 * Whether the room's ACL, the content of its m.room.server_acl, lets a server take part. Without one every server may.
 *
 * A list that would take too much work counts as one that matches where it denies, and as one that does not where it
 * allows: a room must not become open by the length of its list. Only a name of more than a hundred characters against
 * a list as long as an event can be comes so far.
 */
export function isServerAllowed(acl: JsonObject | undefined, serverName: string): boolean {
  if (acl === undefined) return true
  // A name that no server can have is on no list that denies.
  if (!isServerName(serverName)) return false
  const host = hostOf(serverName)
  // "Defaults to true if missing or otherwise not a boolean."
  if (acl.allow_ip_literals === false && IP_LITERAL.test(host)) return false
  const work = MatchWork.walk()
  if (matchesAny(acl.deny, host, work) !== 'no') return false
  return matchesAny(acl.allow, host, work) === 'yes'
}

/** "Evaluated against server names excluding any port information", and "case-insensitive". */
function hostOf(serverName: string): string {
  return serverName.replace(PORT, '').toLowerCase()
}

function matchesAny(
  patterns: JsonValue | undefined,
  host: string,
  work: MatchWork,
): 'yes' | 'no' | 'too much work' {
  if (!Array.isArray(patterns)) return 'no'
  for (const pattern of patterns) {
    // Other servers pass over what is no text, too.
    if (typeof pattern === 'string' && matches(pattern.toLowerCase(), host, work)) return 'yes'
    if (work.isOver) return 'too much work'
  }
  return 'no'
}

/** Most entries name one server, and cost one comparison. */
function matches(pattern: string, host: string, work: MatchWork): boolean {
  return WILDCARD.test(pattern) ? matchesGlob(pattern, host, work) : pattern === host
}
