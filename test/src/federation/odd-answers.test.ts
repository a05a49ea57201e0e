/** Each request to other servers, with each part of a good answer made odd: the reader says so, or gives what is good. */
import { expect, it } from 'vitest'
import type { Json } from '../../../local/contract/json.ts'
import { federationClient } from '../../../src/federation/client.ts'
import { askForRoom } from '../../../src/federation/directory.ts'
import {
  type AskedServer,
  eventBefore,
  history,
  missingEvents,
  momentThere,
  singleEvent,
  stateIds,
} from '../../../src/federation/inbound/ask-server.ts'
import { checkEvents } from '../../../src/federation/inbound/check-events.ts'
import { keysByNotary, keysOfServer } from '../../../src/federation/key-fetch.ts'
import { knockedState, makeMember, sendMember } from '../../../src/federation/membership/handshake.ts'
import { joinAnswer, readJoinedState } from '../../../src/federation/membership/joined-state.ts'
import { invitedBy } from '../../../src/federation/membership/outgoing-invite.ts'
import { ServerFailure } from '../../../src/federation/server-failure.ts'
import { sendTransaction } from '../../../src/federation/transaction.ts'
import type { FederationClient, KeyRing } from '../../../src/ports/federation.ts'
import type { Ports } from '../../../src/ports/ports.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { signJson } from '../../../src/protocol/events/signing.ts'
import { REQUESTS, type RequestKind } from '../../../src/protocol/federation/requests.ts'
import { isEventId, isRoomId, isServerName } from '../../../src/protocol/identifiers.ts'
import { ODD_JSON, placesIn, withPart } from '../../fuzz/odd-parts.ts'
import { ODD_REPLIES } from '../../support/federation/odd-replies.ts'
import { newKey, type Reply } from '../../support/federation/remote.ts'
import { RemoteServer } from '../../support/federation/remote-server.ts'

const AWAY = 'away.example'
const HERE = 'here.example'
const EVE = `@eve:${AWAY}`
const ALICE = `@alice:${HERE}`
const ROOM = `!room:${AWAY}`
const own = newKey('ed25519:own')
const theirs = newKey('ed25519:theirs')

const away = new RemoteServer('11', ROOM)
const state = [
  away.state(EVE, 'm.room.create', { room_version: '11' }),
  away.member(EVE, EVE, 'join'),
  away.state(EVE, 'm.room.power_levels', { users: { [EVE]: 100 } }),
  away.state(EVE, 'm.room.join_rules', { join_rule: 'public' }),
]
const said = away.say(EVE, 'hello')
const pdu = ({ json }: { json: string }) => JSON.parse(json) as Json
const ids = state.map(({ eventId }) => eventId)
const pdus = [away.event(ids[1]!)!, said].map(pdu)

const lookup = () => away.publicKey
const keyRing: KeyRing = { known: () => lookup, collect: async () => lookup }
const now = () => 1_700_000_000_000
const config = { serverName: HERE, signingKeys: [own], endedSigningKeys: [] }
const clock = { now, monotonic: now } as unknown as Ports['clock']

const serverOf = (client: FederationClient): AskedServer => ({ client, serverName: AWAY, roomId: ROOM })
const partsOf = (federation: FederationClient) => ({ federation, clock, config })
const template = (membership: string): Json => ({
  room_version: '11',
  event: {
    type: 'm.room.member',
    state_key: ALICE,
    sender: ALICE,
    room_id: ROOM,
    content: { membership },
    auth_events: ids,
    prev_events: [said.eventId],
    depth: 7,
    origin_server_ts: 1,
  },
})
const asked = <M extends string>(membership: M) => ({ roomId: ROOM, userId: ALICE, membership })
/** Answers a template, so that what follows can be asked. */
const made = (membership: 'join' | 'knock' | 'leave') =>
  makeMember(partsOf(answering(JSON.stringify(template(membership)))), AWAY, asked(membership), {})
const keysOf = (name: string) =>
  signJson(
    {
      server_name: name,
      valid_until_ts: now() + 1_000_000,
      verify_keys: { [theirs.id]: { key: theirs.publicKey } },
      old_verify_keys: { 'ed25519:old': { key: own.publicKey, expired_ts: 5 } },
    },
    name,
    theirs,
  )

const good = async (texts: string[], most: number) => {
  expect(texts.length).toBeLessThanOrEqual(most)
  const checked = await checkEvents(texts, away.rules, { keyRing, atOnce: 1 })
  return checked.good.length
}

interface Row {
  answer: Json
  /** Answers how many parts were taken, where the answer has several that count apart. */
  ask(client: FederationClient): Promise<unknown>
  /** Lists of which each element counts by itself. */
  apart?: string
}

const ROWS: Record<RequestKind, Row> = {
  backfill: {
    answer: { origin: AWAY, origin_server_ts: 1, pdus },
    apart: 'pdus',
    ask: async (client) => good(await history(serverOf(client), ['$x'], 100), 100),
  },
  get_missing_events: {
    answer: { events: pdus },
    apart: 'events',
    async ask(client) {
      const need = { kind: 'missing', latest: ['$x'], earliest: [], minDepth: 0 } as const
      return good(
        await missingEvents(serverOf(client), { ...need, latest: [...need.latest], earliest: [] }),
        20,
      )
    },
  },
  event: {
    answer: { origin: AWAY, origin_server_ts: 1, pdus: [pdu(said)] },
    async ask(client) {
      const text = await singleEvent(serverOf(client), said.eventId)
      return good(text === undefined ? [] : [text], 1)
    },
  },
  state_ids: {
    answer: { pdu_ids: ids, auth_chain_ids: ids },
    async ask(client) {
      const lists = await stateIds(serverOf(client), '$x')
      const all = lists === 'too large' ? [] : [...lists.pduIds, ...lists.authChainIds]
      expect(all.every(isEventId)).toBe(true)
    },
  },
  timestamp_to_event: {
    answer: { event_id: said.eventId, origin_server_ts: 5 },
    async ask(client) {
      const moment = await momentThere(serverOf(client), { ts: 5, dir: 'b' })
      expect([isEventId(moment.eventId), Number.isSafeInteger(moment.at)]).toEqual([true, true])
      // It is asked for by its id then.
      encodeURIComponent(await eventBefore(serverOf(client), 5))
    },
  },
  make_join: {
    answer: template('join'),
    ask: (client) => makeMember(partsOf(client), AWAY, asked('join'), {}),
  },
  make_knock: {
    answer: template('knock'),
    ask: (client) => makeMember(partsOf(client), AWAY, asked('knock'), {}),
  },
  make_leave: {
    answer: template('leave'),
    ask: (client) => makeMember(partsOf(client), AWAY, asked('leave'), {}),
  },
  send_join: {
    answer: { state: state.map(pdu), auth_chain: [], members_omitted: false, servers_in_room: [] },
    async ask(client) {
      const { event, rules, isVouchedFor } = await made('join')
      const parts = joinAnswer()
      await sendMember(partsOf(client), AWAY, asked('join'), { event, take: (chunk) => parts.add(chunk) })
      await readJoinedState(parts, { roomId: ROOM, rules, join: event, isVouchedFor }, keyRing)
    },
  },
  send_knock: {
    answer: { knock_room_state: state.map(pdu) },
    async ask(client) {
      const { event } = await made('knock')
      return knockedState(await sendMember(partsOf(client), AWAY, asked('knock'), { event })).length
    },
  },
  send_leave: {
    answer: {},
    async ask(client) {
      await sendMember(partsOf(client), AWAY, asked('leave'), await made('leave'))
    },
  },
  invite: {
    answer: { event: pdu(said) },
    ask: (federation) =>
      invitedBy(
        EVE,
        { roomId: ROOM, eventId: said.eventId, json: said.json, roomVersion: '11', inviteState: [] },
        { federation, keyRing },
      ),
  },
  directory: {
    answer: { room_id: ROOM, servers: [AWAY, HERE] },
    async ask(client) {
      const found = await askForRoom(client, `#tea:${AWAY}`)
      if (found === undefined) return
      expect([isRoomId(found.roomId), found.servers.every(isServerName)]).toEqual([true, true])
      expect(found.servers.length).toBeLessThanOrEqual(51)
    },
  },
  server_keys: {
    answer: keysOf(AWAY),
    async ask(client) {
      const keys = (await keysOfServer(AWAY, { client, now })) ?? []
      expect(keys.every(({ serverName }) => serverName === AWAY)).toBe(true)
    },
  },
  notary_keys: {
    answer: { server_keys: ['a.example', 'b.example'].map((name) => signJson(keysOf(name), AWAY, theirs)) },
    apart: 'server_keys',
    async ask(client) {
      const notary =
        (await keysOfServer(AWAY, { client: answering(JSON.stringify(keysOf(AWAY))), now })) ?? []
      const missing = ['a.example', 'b.example'].map((serverName) => ({
        serverName,
        keyId: theirs.id,
        until: 0,
      }))
      const found = await keysByNotary({ serverName: AWAY, keys: notary }, missing, { client, now })
      return new Set(found.map(({ serverName }) => serverName)).size
    },
  },
  send: {
    answer: { pdus: {} },
    ask: (federation) =>
      sendTransaction(
        { clock, config, federation, random: { token: () => 'x' } } as unknown as Ports,
        AWAY,
        [],
      ),
  },
}

/** The client, of which the network is replaced. */
function answering(text: string | Reply): FederationClient {
  return federationClient({
    send: async () => responseOf(typeof text === 'string' ? { raw: text } : text),
    deadline: (_, work) => work(new AbortController().signal),
    discovery: { find: async (name) => `${name}:8448` },
    config,
    metrics: { count: () => undefined, observe: () => undefined },
  })
}

function responseOf(reply: Reply): Response {
  if (reply === 'never' || reply === 'cut') throw new Error('no answer')
  if (reply === 'endless') {
    const spaces = new TextEncoder().encode(' '.repeat(65_536))
    return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(spaces) }))
  }
  const { status = 200, body, raw, headers } = reply
  const text = raw === undefined ? JSON.stringify(body) : (raw as BodyInit)
  return new Response(status === 204 ? null : text, {
    status,
    headers: { 'content-type': 'application/json', ...headers },
  })
}

/** Its failures are of these kinds; anything else would be an error of this server. */
async function outcome(row: Row, text: string | Reply): Promise<unknown> {
  try {
    return await row.ask(answering(text))
  } catch (error) {
    if (error instanceof ServerFailure || error instanceof MatrixError) return undefined
    throw error
  }
}

it('has a row for each request', () => {
  expect(Object.keys(ROWS).sort()).toEqual(Object.keys(REQUESTS).sort())
})

it.each(Object.entries(ROWS))('%s of any form', async (_, row) => {
  for (const [what, reply] of ODD_REPLIES) {
    await expect(outcome(row, reply(row.answer)), what).resolves.not.toThrow()
  }
})

it.each(Object.entries(ROWS))('%s with an odd part', async (_, row) => {
  const whole = await row.ask(answering(JSON.stringify(row.answer)))
  for (const place of placesIn(row.answer)) {
    for (const odd of ODD_JSON) {
      const taken = await outcome(row, JSON.stringify(withPart(row.answer, place, odd)))
      const isWithinElement = row.apart !== undefined && place[0] === row.apart && place.length > 1
      if (isWithinElement)
        expect([place, odd, taken]).toEqual([place, odd, expect.toBeOneOf([whole, Number(whole) - 1])])
    }
  }
})
