/** What a server of the network answers to another: the endpoints of the server-server API, over its Room. */
import { checkInvite } from '../../../../src/federation/membership/incoming-invite.ts'
import { checkPdus } from '../../../../src/federation/pdu-batch.ts'
import type { ResidentMembership } from '../../../../src/objects/room/for-servers.ts'
import type { KeyRing, ServerRequest } from '../../../../src/ports/federation.ts'
import { MatrixError } from '../../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { parseExactJson } from '../../../../src/protocol/events/exact-json.ts'
import type { SigningKey } from '../../../../src/protocol/events/signing.ts'
import { signedAlso } from '../../../../src/protocol/federation/more-signatures.ts'
import { roomVersion } from '../../../../src/protocol/rooms/room-version.ts'
import type { Change, NodeRoom } from '../node-room.ts'
import * as code from './room-code.ts'

/** A server, as far as others ask it. */
interface AskedServer {
  name: string
  key: SigningKey
  room: NodeRoom
  isIn: boolean
  ports: { keyRing: KeyRing }
  take(origin: string, pdus: readonly JsonObject[]): Promise<Record<string, { error?: string }>>
  mutate<T>(work: (change: Change) => T): T
}

interface Asked {
  origin: string
  /** Of the path, behind the name of the endpoint. */
  parts: string[]
  query: URLSearchParams
  body: JsonObject
}

type Endpoint = (server: AskedServer, asked: Asked) => string | Promise<string>

const here = (server: AskedServer) => server.room.room

const ENDPOINTS: Record<string, Endpoint> = {
  async send(server, { origin, body }) {
    return JSON.stringify({ pdus: await server.take(origin, body.pdus as JsonObject[]) })
  },

  get_missing_events(server, { origin, body }) {
    const events = code.missingEvents(here(server), {
      origin,
      latest: body.latest_events as string[],
      earliest: body.earliest_events as string[],
      limit: Number(body.limit),
      minDepth: Number(body.min_depth),
    })
    return `{"events":[${events.join(',')}]}`
  },

  state_ids(server, { origin, query }) {
    const ids = code.stateIdsFor(here(server), { origin, eventId: query.get('event_id')! })
    return JSON.stringify({ pdu_ids: ids.pduIds, auth_chain_ids: ids.authChainIds })
  },

  event(server, { origin, parts }) {
    return `{"pdus":[${code.pduFor(here(server), origin, parts[0]!)}]}`
  },

  backfill(server, { origin, query }) {
    const pdus = code.backfill(here(server), {
      origin,
      eventIds: query.getAll('v'),
      limit: Number(query.get('limit')),
    })
    return `{"pdus":[${pdus.join(',')}]}`
  },

  make_join(server, { origin, parts, query }) {
    const { roomVersion: room_version, event } = code.memberTemplate(here(server), {
      origin,
      userId: parts[1]!,
      membership: 'join',
      versions: query.getAll('ver'),
    })
    return JSON.stringify({ room_version, event })
  },

  async send_join(server, { origin, parts, body }) {
    await admitted(server, origin, 'join', body)
    const { pduIds, authChainIds } = code.stateIdsFor(here(server), { origin, eventId: parts[1]! })
    const texts = (ids: string[]) => code.pdusFor(here(server), origin, ids).pdus.join(',')
    return `{"state":[${texts(pduIds)}],"auth_chain":[${texts(authChainIds)}]}`
  },

  async invite(server, { origin, parts, body }) {
    const rules = roomVersion(String(body.room_version))!
    const [roomId, eventId] = parts as [string, string]
    const invite = { origin, roomId, eventId, rules, event: body.event as JsonObject }
    const { json } = await checkInvite(invite, server.ports.keyRing)
    const signed = signedAlso(json, rules, { serverName: server.name, key: server.key })
    if (server.isIn) {
      const results = await server.take(origin, [parseExactJson(signed) as JsonObject])
      if (results[eventId]?.error !== undefined) throw new MatrixError('M_FORBIDDEN', results[eventId].error)
    }
    return `{"event":${signed}}`
  },
}

async function admitted(
  server: AskedServer,
  origin: string,
  membership: ResidentMembership,
  body: JsonObject,
): Promise<void> {
  const { rules } = server.room.store
  const [checked] = await checkPdus([JSON.stringify(body)], rules, server.ports.keyRing)
  if (checked?.verdict !== 'good') throw new MatrixError('M_INVALID_PARAM', 'The event is not good')
  const { eventId, json, isRedacted } = checked
  server.mutate((change) => code.admit(change, { origin, membership, event: { eventId, json, isRedacted } }))
}

/** @throws MatrixError */
export async function answer(
  server: AskedServer,
  origin: string,
  { uri, content }: ServerRequest,
): Promise<string> {
  const { pathname, searchParams: query } = new URL(uri, 'https://server')
  const [, , , , name = '', ...parts] = pathname.split('/').map(decodeURIComponent)
  if (name !== 'invite' && !server.room.store.exists)
    throw new MatrixError('M_NOT_FOUND', 'There is no such room here')
  const body = content === undefined ? {} : (parseExactJson(content) as JsonObject)
  return ENDPOINTS[name]!(server, { origin, parts, query, body })
}
