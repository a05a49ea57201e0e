/** What a room shows outsiders of itself: facts read from its state, and the chunk made of them. */
import type { JsonObject, JsonValue } from '../events/canonical-json.ts'
import type { StateMap } from '../events/event.ts'
import { objectField, stringField } from '../json-fields.ts'

/** Each comes from one state event with an empty state key; absent if the state does not say. */
export interface RoomFacts {
  name?: string
  topic?: string
  canonical_alias?: string
  avatar_url?: string
  join_rule?: string
  history_visibility?: string
  guest_access?: string
  room_type?: string
  encryption?: string
}

export type RoomFact = keyof RoomFacts

/** Client-Server API §Published room directory: one room of the list. */
export interface PublicRoom {
  room_id: string
  num_joined_members: number
  world_readable: boolean
  guest_can_join: boolean
  join_rule: string
  name?: string
  topic?: string
  canonical_alias?: string
  avatar_url?: string
  room_type?: string
}

interface FactSource {
  fact: RoomFact
  read(content: JsonObject): string | undefined
}

/** By the type of the state event. */
const SOURCES: Readonly<Record<string, FactSource>> = {
  'm.room.name': { fact: 'name', read: ({ name }) => filled(name) },
  'm.room.topic': { fact: 'topic', read: plainTopic },
  'm.room.canonical_alias': { fact: 'canonical_alias', read: ({ alias }) => starting(alias, '#') },
  'm.room.avatar': { fact: 'avatar_url', read: ({ url }) => starting(url, 'mxc://') },
  'm.room.join_rules': { fact: 'join_rule', read: ({ join_rule: rule }) => filled(rule) },
  'm.room.history_visibility': {
    fact: 'history_visibility',
    read: ({ history_visibility: visibility }) => filled(visibility),
  },
  'm.room.guest_access': { fact: 'guest_access', read: ({ guest_access: access }) => filled(access) },
  'm.room.create': { fact: 'room_type', read: ({ type }) => filled(type) },
  'm.room.encryption': { fact: 'encryption', read: ({ algorithm }) => filled(algorithm) },
}

/** Whether state events of this type settle a fact. */
export function isFactType(type: string): boolean {
  return Object.hasOwn(SOURCES, type)
}

/** The fact that a state event settles, or undefined for events that settle none. */
export function factOf(event: {
  type: string
  stateKey: string | null
  content: JsonObject
}): { fact: RoomFact; value: string | undefined } | undefined {
  const source = event.stateKey === '' && Object.hasOwn(SOURCES, event.type) ? SOURCES[event.type] : undefined
  return source && { fact: source.fact, value: source.read(event.content) }
}

/** All facts of a room's state. */
export function roomFacts(state: StateMap): RoomFacts {
  const facts: RoomFacts = {}
  for (const [type, { fact, read }] of Object.entries(SOURCES)) {
    const value = read(state.get(type, '')?.pdu.content ?? {})
    if (value !== undefined) facts[fact] = value
  }
  return facts
}

/** The room as public lists and summaries show it. A room that names no join rule counts as invite-only. */
export function publicRoom(roomId: string, facts: RoomFacts, joinedMembers: number): PublicRoom {
  const { name, topic, canonical_alias, avatar_url, room_type } = facts
  const room: PublicRoom = {
    room_id: roomId,
    num_joined_members: joinedMembers,
    world_readable: facts.history_visibility === 'world_readable',
    guest_can_join: facts.guest_access === 'can_join',
    join_rule: facts.join_rule ?? 'invite',
  }
  const shown = { name, topic, canonical_alias, avatar_url, room_type }
  return Object.assign(room, Object.fromEntries(Object.entries(shown).filter(([, value]) => value)))
}

/**
 * The topic in plain text. "The plain text topic … `text/plain`" of `m.topic`, where the mimetype may be left out,
 * before the `topic` that stands beside it for old clients.
 */
export function plainTopic(content: JsonObject): string | undefined {
  return topicBlock(content) ?? filled(content.topic)
}

/** The plain text of the `m.topic` block alone. */
export function topicBlock(content: JsonObject): string | undefined {
  const texts = objectField(content['m.topic'])?.['m.text']
  if (!Array.isArray(texts)) return undefined
  const plain = texts.map(objectField).find((text) => (text?.mimetype ?? 'text/plain') === 'text/plain')
  return filled(plain?.body)
}

function filled(value: JsonValue | undefined): string | undefined {
  return stringField(value) || undefined
}

function starting(value: JsonValue | undefined, prefix: string): string | undefined {
  const text = stringField(value)
  return text?.startsWith(prefix) ? text : undefined
}
