/** What a wake carries: the news since a position, made once for all subscribers that stand there. */
import type { Increment, TimelineEvent } from '../../../src/objects/room/sync.ts'
import { type HeroCandidates, needsHeroes, SUMMARY_TYPES } from '../../../src/protocol/rooms/heroes.ts'
import type { RoomReader } from '../context.ts'
import { heroCandidates } from '../read/heroes.ts'
import { pushFacts } from '../read/unread.ts'
import { deviceMarks } from '../rows/members/device-marks.ts'
import { profileMarks } from '../rows/members/profile-marks.ts'
import { publicReceipts } from '../rows/members/receipts.ts'
import type { Typing } from '../rows/members/typing.ts'
import type { Recent } from './recent.ts'

/** A wake above this size carries nothing: the User object then pulls (design: "Wake"). In characters of JSON. */
const MAX_INCREMENT = 16_384

/** The JSON of the increment (from, to], or undefined where it is too old or too large to travel with a wake. */
export function makeIncrement(
  room: RoomReader,
  recent: Recent,
  typing: Typing,
  from: number,
  to: number,
): string | undefined {
  const events = recent.eventsAfter(from)
  if (events === undefined) return undefined
  const increment: Increment = { from, to, events, members: [] }
  if (from < typing.pos) increment.typing = typing.users()
  if (events.some(({ event }) => event.state_key !== undefined && SUMMARY_TYPES.has(event.type))) {
    increment.counts = room.store.counts
    if (needsHeroes(room.store)) increment.heroes = heroCandidates(room.store)
  }
  increment.members = membersFor(room, events, increment.heroes)
  if (events.length > 0) increment.push = pushFacts(room, events)
  const receipts = recent.receiptsAfter(from) ?? publicReceipts(room.store, from, to)
  if (receipts.length > 0) increment.receipts = receipts
  if (recent.mayHaveMarks(from)) addMarks(room, increment)
  const json = JSON.stringify(increment)
  return json.length <= MAX_INCREMENT ? json : undefined
}

function addMarks({ store }: RoomReader, increment: Increment): void {
  const { from, to } = increment
  const devices = deviceMarks(store, from, to)
  if (devices !== undefined) increment.devices = devices
  const profiles = profileMarks(store, from, to)
  if (profiles.length > 0) increment.profiles = profiles
}

/** The member events of the senders and of new heroes, for clients that load members lazily. */
function membersFor(
  room: RoomReader,
  events: readonly TimelineEvent[],
  heroes: HeroCandidates | undefined,
): Increment['members'] {
  const senders = events.map(({ event }) => event.sender)
  const userIds = new Set([...senders, ...(heroes?.present ?? []), ...(heroes?.gone ?? [])])
  return [...userIds]
    .map((userId) => room.store.get('m.room.member', userId))
    .filter((member) => member !== undefined)
    .map(({ eventId, pdu }) => ({
      event_id: eventId,
      type: pdu.type,
      state_key: pdu.state_key,
      sender: pdu.sender,
      content: pdu.content,
      origin_server_ts: pdu.origin_server_ts,
    }))
}
