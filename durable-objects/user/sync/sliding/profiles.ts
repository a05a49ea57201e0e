/**
 * The profiles that an answer tells (MSC4262): of the people in rooms that are new to the client, and what anybody that
 * shares a room with the user has changed. What they hold is asked of their owners.
 */
import type { ProfileMark, PullRequest, RoomSlice } from '../../../../src/objects/room/sync.ts'
import type { AskedProfiles } from '../../../../src/objects/user/sliding.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { serverNameOf } from '../../../../src/protocol/identifiers.ts'
import { isInitial, type Span } from '../streams/stream.ts'
import { isInScope, type ScopedRoom, type ScopedWindows } from './scope.ts'
import {
  hasFields,
  MOST_OWED,
  MOST_WHOLE,
  noProfiles,
  type OwedProfile,
  type SentProfiles,
} from './sent-profiles.ts'

/** Users told of in one answer; the client is told of the others when it asks again, which it does at once. */
export const TOLD_AT_ONCE = 100
/** The same in characters of their profiles. */
const TOLD_LENGTH = 500_000

/** What of an answer's news this looks at. */
export interface ProfileNews {
  span: Span
  rooms: readonly {
    room: ScopedRoom & { membership: string }
    slice: Pick<RoomSlice, 'events' | 'state' | 'heroes'>
  }[]
  profiles: readonly (ProfileMark & { task: { room: ScopedRoom; profiles?: PullRequest['profiles'] } })[]
  deviceLists: { left: readonly string[] } | undefined
}

export interface ProfilesParts {
  news: ProfileNews
  asked: AskedProfiles
  windows: ScopedWindows
  /** What the client has; undefined: the extension was not asked for before. */
  sent: SentProfiles | undefined
  userId: string
  /** The user's own fields that changed after a place of their own log, and up to another. */
  ownFields: (after: number, upTo: number) => string[]
}

/** What is to be told, by user. */
export type DueProfiles = ReadonlyMap<string, OwedProfile>

/** What an answer tells, and what the client then has. */
export interface ToldProfiles {
  users: JsonObject
  sent: SentProfiles | undefined
}

/** Whether a client lacks something, whatever has happened since. */
export function owesProfiles(sent: SentProfiles | undefined, { fields }: AskedProfiles): boolean {
  return (
    sent !== undefined && (sent.owed.size > 0 || (sent.whole.size > 0 && !hasFields(sent.fields, fields)))
  )
}

/** What an answer has to tell, what is owed first. */
export function dueProfiles(parts: ProfilesParts): DueProfiles {
  const { news, asked, sent, userId, ownFields } = parts
  const due = new Due(parts)
  for (const [other, { whole, changed }] of sent?.owed ?? []) due.add(other, { whole, changed: [...changed] })
  if (sent !== undefined && !hasFields(sent.fields, asked.fields))
    for (const other of sent.whole) due.add(other, { whole: true })
  if (!isInitial(news.span)) due.add(userId, { changed: ownFields(news.span.since, news.span.own) })
  for (const { userId: other, field, task } of news.profiles) {
    const { room, profiles } = task
    if (profiles === 'everyone') {
      if (isInScope(parts.windows, asked, room)) due.meet(other)
    } else if (other === userId) continue
    else if (field === undefined) due.add(other, { whole: true, changed: asked.fields ?? [] })
    else due.add(other, { changed: [field] })
  }
  for (const one of news.rooms)
    if (one.room.membership === 'join' && isInScope(parts.windows, asked, one.room))
      for (const other of peopleIn(one)) due.meet(other)
  return due.byUser
}

class Due {
  readonly byUser = new Map<string, { whole: boolean; changed: Set<string> }>()
  readonly #fields: ReadonlySet<string> | undefined
  readonly #known: ReadonlySet<string>
  readonly #left: ReadonlySet<string>
  readonly #serverName: string

  constructor({ asked, sent, userId, news }: ProfilesParts) {
    this.#fields = asked.fields && new Set(asked.fields)
    this.#known = sent?.whole ?? new Set()
    this.#left = new Set(news.deviceLists?.left)
    this.#serverName = serverNameOf(userId)
  }

  add(
    userId: string,
    { whole = false, changed = [] }: { whole?: boolean; changed?: readonly string[] },
  ): void {
    const wanted = changed.filter((field) => this.#fields?.has(field) ?? true)
    // Only users of this server have a profile here.
    if (
      (!whole && wanted.length === 0) ||
      this.#left.has(userId) ||
      serverNameOf(userId) !== this.#serverName
    )
      return
    const known = this.byUser.get(userId) ?? { whole: false, changed: new Set() }
    this.byUser.set(userId, { whole: known.whole || whole, changed: new Set([...known.changed, ...wanted]) })
  }

  /** A user that comes with a room. */
  meet(userId: string): void {
    if (!this.#known.has(userId)) this.add(userId, { whole: true })
  }
}

/** The users that a room's part of the answer names. */
function peopleIn({ slice: { events, state, heroes = [] } }: ProfileNews['rooms'][number]): Set<string> {
  const shown = [...state, ...events.map(({ event }) => event)]
  const members = shown.filter(
    ({ type, content }) => type === 'm.room.member' && content.membership === 'join',
  )
  const named = members.flatMap(({ state_key }) => state_key ?? [])
  return new Set([...events.map(({ event }) => event.sender), ...named, ...heroes])
}

/** The users to ask. */
export function askedOwners(due: DueProfiles): string[] {
  return [...due.keys()].slice(0, TOLD_AT_ONCE)
}

/**
 * Tells what was learned.
 * @param profiles the fields of those that were asked; undefined for one that was not reached
 */
export function tellProfiles(
  { asked, sent = noProfiles(asked.fields), news }: ProfilesParts,
  due: DueProfiles,
  profiles: readonly (JsonObject | undefined)[],
): ToldProfiles {
  const users: JsonObject = {}
  const whole = new Set(sent.whole)
  const owed = new Map(due)
  let length = 0
  for (const [index, userId] of askedOwners(due).entries()) {
    const [profile, one] = [profiles[index], due.get(userId)]
    if (one === undefined || length > TOLD_LENGTH) continue
    owed.delete(userId)
    // One that was not reached comes last, so that it holds up no other.
    if (profile === undefined) owed.set(userId, one)
    if (profile === undefined) continue
    if (one.whole) whole.add(userId)
    const update = updateOf(profile, one, asked)
    if (update === undefined) continue
    users[userId] = update
    length += JSON.stringify(update).length
  }
  for (const userId of news.deviceLists?.left ?? []) {
    whole.delete(userId)
    users[userId] = null
  }
  return { users, sent: isSame(sent, asked, { whole, owed }) ? sent : bounded(asked, { whole, owed }) }
}

function updateOf(profile: JsonObject, { whole, changed }: OwedProfile, { fields }: AskedProfiles) {
  const wanted = Object.entries(profile).filter(
    ([field]) => changed.has(field) || (whole && (fields?.includes(field) ?? true)),
  )
  const removed = [...changed].filter((field) => !Object.hasOwn(profile, field))
  if (wanted.length === 0 && removed.length === 0) return undefined
  return {
    ...(wanted.length > 0 && { updated: Object.fromEntries(wanted) }),
    ...(removed.length > 0 && { removed }),
  }
}

type Kept = Pick<SentProfiles, 'whole' | 'owed'>

function isSame(sent: SentProfiles, { fields }: AskedProfiles, { whole, owed }: Kept): boolean {
  const isOwed = [...owed].every(([userId, one]) => {
    const known = sent.owed.get(userId)
    return known?.whole === one.whole && known.changed.size === one.changed.size
  })
  return (
    String(sent.fields) === String(fields) &&
    whole.size === sent.whole.size &&
    [...whole].every((userId) => sent.whole.has(userId)) &&
    owed.size === sent.owed.size &&
    isOwed
  )
}

function bounded({ fields }: AskedProfiles, { whole, owed }: Kept): SentProfiles {
  return {
    fields,
    whole: new Set([...whole].slice(-MOST_WHOLE)),
    owed: new Map([...owed].slice(0, MOST_OWED)),
  }
}
