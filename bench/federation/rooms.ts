/** The rooms of the bench: one of the resident with many members, and ones of the measured server that the resident joins. */
import type { JsonObject } from '../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../src/protocol/events/event.ts'
import { contentHash, eventIdOf, referenceJson } from '../../src/protocol/events/event-hash.ts'
import { roomVersion } from '../../src/protocol/rooms/room-version.ts'
import { call, type Session } from '../client.ts'
import { Graph, VERSION } from './graph.ts'
import type { Resident } from './resident.ts'

let rooms = 0

export const userOf = (resident: Resident, name: string) => `@${name}:${resident.name}`

/** A public room of the resident, with so many members of it beside its creator, and ready to be joined. */
export function largeRoom(resident: Resident, members: number): Graph {
  rooms += 1
  const creator = userOf(resident, 'creator')
  const graph = new Graph(resident, `!large${rooms}:${resident.name}`)
  const state = (type: string, content: JsonObject) =>
    graph.add({ type, sender: creator, stateKey: '', content })
  state('m.room.create', { room_version: VERSION })
  graph.member(creator, { membership: 'join' })
  state('m.room.power_levels', { users: { [creator]: 100 }, state_default: 50 })
  state('m.room.join_rules', { join_rule: 'public' })
  state('m.room.history_visibility', { history_visibility: 'shared' })
  state('m.room.name', { name: `Room of ${members}` })
  for (let index = 0; index < members; index += 1) {
    const displayname = `Member ${index}`
    graph.member(memberOf(resident, index), {
      membership: 'join',
      displayname,
      avatar_url: 'mxc://x.example/avatar',
    })
  }
  serveJoins(resident, graph)
  graph.serve()
  return graph
}

export const memberOf = (resident: Resident, index: number) => userOf(resident, `member${index}`)

/** The answer is ready before it is asked for. The joins are no part of it: every server meets the same room. */
function serveJoins(resident: Resident, graph: Graph): void {
  const room = encodeURIComponent(graph.roomId)
  const decisive = ['m.room.create', 'm.room.power_levels', 'm.room.join_rules']
  const state = graph.statePdus()
  const creator = state[0]?.sender
  const chain = state.filter(({ type, state_key: key }) => decisive.includes(type) || key === creator)
  const parts = JSON.stringify({ state, auth_chain: chain, members_omitted: false, origin: resident.name })
  const [heads, before] = [graph.heads, new Map(graph.state)]
  resident.on('GET', `/_matrix/federation/v1/make_join/${room}/`, ({ path }) => {
    graph.standOn(heads, before)
    return JSON.stringify(graph.template(path.split('/').at(-1) ?? ''))
  })
  resident.on('PUT', `/_matrix/federation/v2/send_join/${room}/`, ({ body }) => {
    graph.learn(body as Pdu & JsonObject)
    return `${parts.slice(0, -1)},"event":${JSON.stringify(body)}}`
  })
}

/** A user of the resident joins a room of the measured server. Answers the room as the resident knows it then. */
export async function joinThere(
  resident: Resident,
  server: string,
  { roomId, userId }: { roomId: string; userId: string },
): Promise<Graph> {
  const rules = roomVersion(VERSION)!
  const place = `${encodeURIComponent(roomId)}/${encodeURIComponent(userId)}`
  const make = `/_matrix/federation/v1/make_join/${place}?ver=${VERSION}`
  const { event } = await resident.ask<{ event: Pdu }>(server, 'GET', make)
  const pdu = { ...event, sender: userId, origin_server_ts: Date.now(), hashes: {}, signatures: {} } as Pdu
  pdu.hashes = { sha256: contentHash(pdu, rules) }
  pdu.signatures = { [resident.name]: { [resident.key.id]: resident.key.sign(referenceJson(pdu, rules)) } }
  const graph = new Graph(resident, roomId)
  const eventId = encodeURIComponent(eventIdOf(pdu, rules))
  const send = `/_matrix/federation/v2/send_join/${encodeURIComponent(roomId)}/${eventId}`
  const told = await resident.ask<{ state: Pdu[] }>(server, 'PUT', send, pdu as Pdu & JsonObject)
  graph.learnState(told.state)
  graph.learn(pdu)
  graph.serve()
  return graph
}

/** A room of a user of the measured server that others may join. */
export async function publicRoom({ http, token }: Session): Promise<string> {
  const body = { preset: 'public_chat', room_version: VERSION }
  const { room_id: roomId } = await call<{ room_id: string }>(
    http,
    'POST',
    '/_matrix/client/v3/createRoom',
    token,
    body,
  )
  return roomId
}
