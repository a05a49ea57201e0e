/** Users of a remote server, who join rooms of the server under test by its templates. */
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { contentHash, eventIdOf, referenceJson } from '../../../src/protocol/events/event-hash.ts'
import { type RoomVersionRules, roomVersion } from '../../../src/protocol/rooms/room-version.ts'
import { type Answer, type Api, type Body, must } from '../client.ts'
import type { Remote } from './remote.ts'

const V1 = '/_matrix/federation/v1'
const enc = encodeURIComponent

export const EVERY_VERSION = ['3', '4', '5', '6', '7', '8', '9', '10', '11', '12']

export type Membership = 'join' | 'leave' | 'knock'

/** An event with its hash and the remote's signature, and its id. */
export function signedEvent(remote: Remote, event: Body, version: string): { eventId: string; pdu: Pdu } {
  const rules = roomVersion(version) as RoomVersionRules
  const pdu = { ...event, hashes: {}, signatures: {} } as Pdu
  pdu.hashes = { sha256: contentHash(pdu, rules) }
  pdu.signatures = { [remote.name]: { [remote.key.id]: remote.key.sign(referenceJson(pdu, rules)) } }
  return { eventId: eventIdOf(pdu, rules), pdu }
}

export function makeTemplate(
  remote: Remote,
  http: Api,
  {
    membership,
    roomId,
    userId,
    versions = EVERY_VERSION,
  }: {
    membership: Membership
    roomId: string
    userId: string
    versions?: readonly string[]
  },
): Promise<Answer> {
  const ver = versions.map((version) => `ver=${version}`).join('&')
  return remote.ask(http, 'GET', `${V1}/make_${membership}/${enc(roomId)}/${enc(userId)}?${ver}`)
}

export function sendSigned(
  remote: Remote,
  http: Api,
  {
    membership,
    roomId,
    eventId,
    pdu,
    query = '',
    path = membership === 'knock' ? 'v1' : 'v2',
  }: {
    membership: Membership
    roomId: string
    eventId: string
    pdu: Pdu
    query?: string
    /** The version of the endpoint. */
    path?: 'v1' | 'v2'
  },
): Promise<Answer> {
  return remote.ask(
    http,
    'PUT',
    `/_matrix/federation/${path}/send_${membership}/${enc(roomId)}/${enc(eventId)}${query}`,
    pdu as Body,
  )
}

/** A user of the remote takes part, by template and signature, or the test fails. Answers what the room said, and the event. */
export async function take(
  remote: Remote,
  http: Api,
  {
    membership,
    roomId,
    userId,
    ...how
  }: { membership: Membership; roomId: string; userId: string; query?: string; path?: 'v1' | 'v2' },
): Promise<Answer & { eventId: string; pdu: Pdu }> {
  const { body } = must(await makeTemplate(remote, http, { membership, roomId, userId }))
  const signed = signedEvent(remote, body.event, body.room_version)
  const answer = await sendSigned(remote, http, { membership, roomId, ...how, ...signed })
  return { ...must(answer), ...signed }
}
