/** How a user came to be out of rooms, by their archived member events: each of them cites the one before it. */
import type { ArchivedMember, ArchivedMembership, ArchiveReader } from '../../src/ports/archive.ts'
import { isGone, type Standing, standingAfter } from './standing.ts'

/** Rooms asked about at once. A member event cites some ten events, of which one is wanted. */
const ROOMS = 100
/** Leaves and bans that are looked through, the last first. A ban may be renewed without end. */
const STEPS = 20

/** The end of a user's stay in a room, as far as it has been read. */
interface Trail {
  roomId: string
  /** The user's member events, the last first. */
  events: ArchivedMember[]
  /** Among these is the event before. */
  before: readonly string[]
}

/** How the rooms that the user is out of came to be so, by the rooms' ids. What the archive lacks is left out. */
export async function archivedRemovals(
  reader: Pick<ArchiveReader, 'memberEvents'>,
  userId: string,
  rooms: readonly ArchivedMembership[],
): Promise<Map<string, Standing>> {
  const gone = rooms.filter(({ membership }) => isGone(membership))
  const standings = new Map<string, Standing>()
  for (let at = 0; at < gone.length; at += ROOMS) {
    const trails = gone.slice(at, at + ROOMS).map(({ roomId, eventId }) => trailTo(roomId, eventId))
    for (let step = 0; step < STEPS && trails.some(goesOn); step += 1) await follow(reader, userId, trails)
    for (const { roomId, events } of trails) {
      const standing = standingBy(userId, events)
      if (standing !== undefined) standings.set(roomId, standing)
    }
  }
  return standings
}

function trailTo(roomId: string, eventId: string): Trail {
  return { roomId, events: [], before: [eventId] }
}

function goesOn({ before }: Trail): boolean {
  return before.length > 0
}

/** One step back in each room, up to the event by which the user was there, was invited or knocked. */
async function follow(
  reader: Pick<ArchiveReader, 'memberEvents'>,
  userId: string,
  trails: readonly Trail[],
): Promise<void> {
  const asked = trails.flatMap(({ before }) => before)
  const found = new Map((await reader.memberEvents(userId, asked)).map((event) => [event.eventId, event]))
  for (const trail of trails) {
    const event = trail.before.map((id) => found.get(id)).find((known) => known !== undefined)
    if (event !== undefined) trail.events.push(event)
    trail.before = event !== undefined && isGone(event.membership) ? event.authEvents : []
  }
}

function standingBy(userId: string, events: readonly ArchivedMember[]): Standing | undefined {
  let standing: Standing | undefined
  for (const { membership, sender } of events.toReversed()) {
    standing = standingAfter(standing, { membership, byOther: sender !== userId })
  }
  return standing
}
