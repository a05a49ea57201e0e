/** What /sync answers, in the form of the endpoints before it: `/initialSync` and `/events`. */
import type { JsonObject, JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import { objectField } from '../../../src/protocol/json-fields.ts'

/** What lists of state events go on with. */
export type Slices = Map<unknown, () => AsyncIterable<JsonObject[]>>

type Section = { kind: string; roomId: string; section: JsonObject }

/** The rooms that an answer tells of. */
export function roomIdsOf(body: JsonObject): string[] {
  return sectionsOf(body).map(({ roomId }) => roomId)
}

/** "If false then only rooms that the user has been invited to or has joined are included." A sync shows removals too. */
export function withoutPast(body: JsonObject): JsonObject {
  const { leave: _, ...rooms } = objectField(body.rooms) ?? {}
  return { ...body, rooms }
}

/** Client-Server API §GET /initialSync, with what its lists go on with. */
export function asInitialSync(
  body: JsonObject,
  rest: Slices,
  { userId, listed }: { userId: string; listed: ReadonlySet<string> },
): [JsonObject, Slices] {
  const slices: Slices = new Map()
  const end = body.next_batch ?? ''
  const rooms = sectionsOf(body).map((one) => ({
    room_id: one.roomId,
    membership: one.kind,
    visibility: listed.has(one.roomId) ? 'public' : 'private',
    ...(one.kind === 'join' || one.kind === 'leave'
      ? visited(one, end, { rest, slices })
      : offered(one, userId)),
  }))
  const receipts = sectionsOf(body).flatMap(({ roomId, section }) =>
    inRoom(roomId, listOf(section.ephemeral)).filter(({ type }) => type === 'm.receipt'),
  )
  const answer = {
    end,
    rooms,
    presence: listOf(body.presence),
    receipts,
    account_data: listOf(body.account_data),
  }
  return [answer, slices]
}

/** Client-Server API §GET /events, with what its chunk goes on with. */
export function asEvents(body: JsonObject, rest: Slices, since: string): [JsonObject, Slices] {
  const sections = sectionsOf(body)
  const chunk: JsonValue[] = [
    ...sections.flatMap(({ roomId, section }) =>
      STREAMED.flatMap((part) => inRoom(roomId, listOf(section[part]))),
    ),
    ...listOf(body.account_data),
    ...listOf(body.presence),
  ]
  async function* more() {
    for (const { roomId, section } of sections)
      for await (const events of rest.get(eventsOf(section.state_after))?.() ?? [])
        yield inRoom(roomId, events)
  }
  return [{ start: since, end: body.next_batch, chunk }, new Map(rest.size === 0 ? [] : [[chunk, more]])]
}

/** What of a room's section the event stream carries, oldest first. */
const STREAMED = ['state_after', 'timeline', 'ephemeral', 'account_data', 'invite_state', 'knock_state']

function sectionsOf(body: JsonObject): Section[] {
  return Object.entries(objectField(body.rooms) ?? {}).flatMap(([kind, rooms]) =>
    Object.entries(objectField(rooms) ?? {}).map(([roomId, section]) => ({
      kind,
      roomId,
      section: objectField(section) ?? {},
    })),
  )
}

/** The invite itself is stripped, so it is no event by the schema of `invite`; old clients read its sender here. */
function offered({ kind, section }: Section, userId: string): JsonObject {
  const events = listOf(section[`${kind}_state`])
  const own = events.find(({ type, state_key }) => type === 'm.room.member' && state_key === userId)
  return own?.sender === undefined ? {} : { inviter: own.sender }
}

function visited(
  { roomId, section }: Section,
  end: JsonValue,
  { rest, slices }: { rest: Slices; slices: Slices },
): JsonObject {
  const start = objectField(section.timeline)?.prev_batch
  const state = inRoom(roomId, listOf(section.state_after))
  const more = rest.get(eventsOf(section.state_after))
  if (more !== undefined) {
    slices.set(state, async function* () {
      for await (const events of more()) yield inRoom(roomId, events)
    })
  }
  return {
    messages: { start, end, chunk: inRoom(roomId, listOf(section.timeline)) },
    state,
    account_data: listOf(section.account_data),
  }
}

function eventsOf(part: JsonValue | undefined): JsonValue | undefined {
  return objectField(part)?.events
}

function listOf(part: JsonValue | undefined): JsonObject[] {
  const events = eventsOf(part)
  return Array.isArray(events) ? events.map(objectField).filter((event) => event !== undefined) : []
}

function inRoom(roomId: string, events: readonly JsonObject[]): JsonObject[] {
  return events.map((event) => ({ ...event, room_id: roomId }))
}
