/** One room of an answer of sliding sync (MSC4186 §RoomResult). */
import type { JsonObject, JsonValue } from '../../../../../src/protocol/events/canonical-json.ts'
import type { ClientEvent } from '../../../../../src/protocol/events/event.ts'
import { objectField, stringField } from '../../../../../src/protocol/json-fields.ts'
import { isLazy, isRequired } from '../../../../../src/protocol/sliding/room-config.ts'
import { forViewer } from '../../../../for-viewer.ts'
import type { WantedRoom } from '../../sliding/windows.ts'
import type { RoomNews } from '../../streams/news.ts'
import { countsOf } from '../../unread.ts'
import type { SlidingView } from './view.ts'

/** The names of what the two forms of the endpoint call differently. */
export const NAMES = {
  unstable: { expanded: 'unstable_expanded_timeline', stripped: 'invite_state' },
  accepted: { expanded: 'expanded_timeline', stripped: 'stripped_state' },
} as const

const MEMBER = 'm.room.member'

/** A room that the user is in, or was. @returns undefined where nothing in it would be news */
export function roomResult(
  one: RoomNews,
  wanted: WantedRoom,
  required: readonly ClientEvent[],
  view: SlidingView,
): JsonObject | undefined {
  const { room, slice, first, task } = one
  const { grows = false, widens = false, live = 0 } = task.slide ?? {}
  const { userId } = view.session
  const hasRead = slice.receipts?.some((receipt) => receipt.userId === userId) === true
  const { name, avatar, heroes } = nameFields(one)
  const hasNews =
    first ||
    grows ||
    widens ||
    slice.events.length > 0 ||
    slice.limited ||
    required.length > 0 ||
    name !== undefined ||
    avatar !== undefined ||
    slice.counts !== undefined ||
    hasRead
  if (!hasNews) return undefined
  const names = NAMES[view.form]
  const result: JsonObject = {
    ...commonFields(one.room, wanted, view),
    is_dm: view.direct.has(room.roomId),
    required_state: asJson(required),
    timeline: asJson(slice.events.map((event) => forViewer(event, view.session, view.now))),
    prev_batch: slice.prevBatch,
    limited: slice.limited,
    num_live: slice.events.filter(({ pos }) => pos > live).length,
  }
  if (first) result.initial = true
  if (grows) result[names.expanded] = true
  if (typeof name === 'string' || (name === null && view.form === 'accepted')) result.name = name
  if (avatar !== undefined) result.avatar = avatar
  if (heroes !== undefined) result.heroes = heroes
  if (slice.counts !== undefined) {
    result.joined_count = slice.counts.joined
    result.invited_count = slice.counts.invited
  }
  // The accepted form has none: what is encrypted the server cannot count.
  if (one.unread !== undefined && view.form === 'unstable')
    Object.assign(result, countsOf(one.unread, true).room)
  return result
}

/** A room that the user is invited to, or knocks on. */
export function strippedResult({ room, ...wanted }: WantedRoom, view: SlidingView): JsonObject {
  return {
    ...commonFields(room, { room, ...wanted }, view),
    initial: true,
    is_dm: view.direct.has(room.roomId) || isDirectInvite(room.stripped, view.session.userId),
    [NAMES[view.form].stripped]: room.stripped,
  }
}

/** A room of which nothing has changed but whether it is a direct chat. */
export function directResult(wanted: WantedRoom, view: SlidingView): JsonObject {
  const { room } = wanted
  return { ...commonFields(room, wanted, view), is_dm: view.direct.has(room.roomId) }
}

function isDirectInvite(stripped: readonly JsonObject[], userId: string): boolean {
  const own = stripped.find(({ type, state_key }) => type === MEMBER && state_key === userId)
  return objectField(own?.content)?.is_direct === true
}

function commonFields(
  room: RoomNews['room'],
  { lists }: WantedRoom,
  { form, bumpStamp }: SlidingView,
): JsonObject {
  const stamp = { bump_stamp: bumpStamp(room) }
  if (form === 'unstable') return stamp
  return { ...stamp, membership: room.membership, ...(lists.length > 0 && { lists: [...lists] }) }
}

/** What changed of the name and the picture; null: there is none any more. */
function nameFields({ slice, first }: RoomNews): {
  name?: string | null
  avatar?: string | null
  heroes?: JsonValue
} {
  const find = (type: string) =>
    slice.state.findLast((event) => event.type === type && event.state_key === '')
  const [named, pictured] = [find('m.room.name'), find('m.room.avatar')]
  const name = named && (stringField(named.content.name) || null)
  const avatar = pictured && (stringField(pictured.content.url) || null)
  return {
    ...(name !== undefined && !(first && name === null) && { name }),
    ...(avatar !== undefined && !(first && avatar === null) && { avatar }),
    // "Heroes are only included if the room name is not set."
    ...(slice.heroes !== undefined &&
      typeof name !== 'string' && { heroes: heroesOf(slice.heroes, slice.state) }),
  }
}

function heroesOf(userIds: readonly string[], state: readonly ClientEvent[]): JsonObject[] {
  return userIds.map((user_id) => {
    const member = state.findLast(({ type, state_key }) => type === MEMBER && state_key === user_id)
    const displayname = stringField(member?.content.displayname)
    const avatar_url = stringField(member?.content.avatar_url)
    return {
      user_id,
      ...(displayname !== undefined && { displayname }),
      ...(avatar_url !== undefined && { avatar_url }),
    }
  })
}

/** The state of a room's answer that the client asked for, and the members that come with what they send. */
export function requiredState(one: RoomNews, wanted: WantedRoom, view: SlidingView): ClientEvent[] {
  const { room, slice, task } = one
  const { config } = wanted
  // A client learns by its own membership that it is out of a room.
  const isOut = room.membership !== 'join'
  const isOwn = ({ type, state_key }: ClientEvent) => type === MEMBER && state_key === view.session.userId
  const isNamed = (event: ClientEvent) => isRequired(config, event) || (isOut && isOwn(event))
  const speakers = new Set(slice.events.flatMap(({ event }) => speakersOf(event)))
  // What is not asked for as a whole is what has changed, and what the timeline needs.
  const comesLazily = ({ state_key = '' }: ClientEvent) =>
    isLazy(config) && (!task.full || speakers.has(state_key))
  const members = slice.state.filter((event) => isMember(event) && (isNamed(event) || comesLazily(event)))
  const others = slice.state.filter((event) => !isMember(event) && isNamed(event))
  return [...others, ...view.withoutKnown(one, members)]
}

/** Those whose members a client needs for an event. */
function speakersOf(event: ClientEvent): string[] {
  return isMember(event) && event.state_key !== undefined ? [event.sender, event.state_key] : [event.sender]
}

function asJson(events: readonly ClientEvent[]): JsonObject[] {
  return events as unknown as JsonObject[]
}

function isMember({ type }: ClientEvent): boolean {
  return type === MEMBER
}
