/** A remote room that tells its past: a chain of events, with the state before each. */
import type { Pdu } from '../../../src/protocol/events/event.ts'
import type { BuiltEvent } from '../../../src/protocol/events/event-builder.ts'
import type { Body } from '../client.ts'
import type { RemoteRoom } from './remote-room.ts'

const V1 = '/_matrix/federation/v1'
const NOT_FOUND = { status: 404, body: { errcode: 'M_NOT_FOUND', error: 'none' } }

/** Has the remote answer for the room's past. Answers which events were asked for, one list a request. */
export function tellHistory(room: RemoteRoom): string[][] {
  const asked: string[][] = []
  const id = encodeURIComponent(room.roomId)
  room.remote.on('GET', `${V1}/backfill/${id}`, ({ uri }) => {
    const query = new URL(uri, 'https://remote').searchParams
    const named = query.getAll('v')
    asked.push(named)
    const pdus = upTo(room, named[0]!)
      .reverse()
      .slice(0, Number(query.get('limit')))
    return { body: transaction(room, pdus) }
  })
  room.remote.on('GET', `${V1}/state_ids/${id}`, ({ uri }) => {
    const eventId = new URL(uri, 'https://remote').searchParams.get('event_id')!
    const state = stateBefore(room, eventId)
    const earlier = upTo(room, eventId)
      .slice(0, -1)
      .filter(({ pdu }) => pdu.state_key !== undefined)
    return { body: { pdu_ids: state, auth_chain_ids: earlier.map((event) => event.eventId) } }
  })
  room.remote.on('GET', `${V1}/event/`, ({ uri }) => {
    const found = room.events.get(decodeURIComponent(uri.split('/').at(-1)!))
    return found === undefined ? NOT_FOUND : { body: transaction(room, [found]) }
  })
  return asked
}

/** Has the remote say which event is the room's newest, and what lies behind it. */
export function tellNewest(room: RemoteRoom): void {
  const id = encodeURIComponent(room.roomId)
  room.remote.on('GET', `${V1}/timestamp_to_event/${id}`, ({ uri }) => {
    const query = new URL(uri, 'https://remote').searchParams
    const ts = Number(query.get('ts'))
    const all = [...room.events.values()]
    const found =
      query.get('dir') === 'f'
        ? all.find(({ pdu }) => pdu.origin_server_ts >= ts)
        : all.findLast(({ pdu }) => pdu.origin_server_ts <= ts)
    return found === undefined
      ? NOT_FOUND
      : { body: { event_id: found.eventId, origin_server_ts: found.pdu.origin_server_ts } }
  })
  room.remote.on('POST', `${V1}/get_missing_events/${id}`, ({ body }) => {
    const latest = (body as { latest_events: string[] }).latest_events[0]!
    const events = upTo(room, latest)
      .slice(0, -1)
      .slice(-10)
      .map(({ pdu }) => pdu)
    return { body: { events } }
  })
}

function upTo(room: RemoteRoom, eventId: string): BuiltEvent[] {
  const all = [...room.events.values()]
  return all.slice(0, all.findIndex((event) => event.eventId === eventId) + 1)
}

function stateBefore(room: RemoteRoom, eventId: string): string[] {
  const state = new Map<string, string>()
  for (const event of upTo(room, eventId).slice(0, -1)) {
    const { type, state_key } = event.pdu
    if (state_key !== undefined) state.set(`${type} ${state_key}`, event.eventId)
  }
  return [...state.values()]
}

const transaction = (room: RemoteRoom, events: { pdu: Pdu }[]): Body => ({
  origin: room.remote.name,
  origin_server_ts: Date.now(),
  pdus: events.map(({ pdu }) => pdu),
})
