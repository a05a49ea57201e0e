/** The constants of the event stream, as its consumers and the server share them: `docs/event-stream.md`. */

/** What is told of, each a log of its own in every partition. New ones come at the end: the numbers are stored. */
export const TOPICS = ['events', 'membership', 'receipts', 'presence', 'accounts'] as const

export type Topic = (typeof TOPICS)[number]

/** Into so many logs a topic is divided. It never changes, since a room stays where it is. */
export const PARTITIONS = 16

/** The partition of a room, of a user, or of a group's members: FNV-1a over the id's UTF-16 units. */
export function partitionOf(id: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < id.length; at += 1) {
    hash = Math.imul(hash ^ id.charCodeAt(at), 0x01000193)
  }
  return (hash >>> 0) % PARTITIONS
}

/** Where a read begins: at an offset, with what is kept longest, or with what is still to come. */
export type From = number | 'earliest' | 'latest'

/** Records of an answer at most. */
export const MOST_RECORDS = 1_000

/** How long a member of a group may be silent before its partitions go to others, ms: at least, unless told, at most. */
export const LEASE_MS = { least: 3_000, usual: 30_000, most: 300_000 } as const

/** Why the server ends a consumer's socket. */
export const CONSUMER_CLOSE = {
  /** A message that is none, or an offset that does not exist. */
  badRequest: 4400,
  /** The token was revoked, or has expired. */
  tokenEnded: 4401,
  /** The partition belongs to another member by now. */
  stale: 4409,
} as const
