/** What people do at random on the servers of a network, and what a server does that keeps no rule. */
import { ServerFailure } from '../../../../src/federation/server-failure.ts'
import type { MembershipRequest } from '../../../../src/objects/room/send.ts'
import { authEventKeys } from '../../../../src/protocol/auth/auth-events.ts'
import { MatrixError } from '../../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { buildEvent } from '../../../../src/protocol/events/event-builder.ts'
import type { Random } from '../../../fuzz/random.ts'
import { keyOf } from '../../resolution/dag.ts'
import type { NetworkServer, World } from './server.ts'

/** A user of each server whom nobody removes, so that the server stays in the room. */
export const anchorOf = (server: string) => `@anchor:${server}`

const OTHERS = ['ann', 'ben', 'cat']
const LEVELS = [0, 0, 25, 50, 50, 75, 100]
const JOIN_RULES = ['public', 'public', 'public', 'invite', 'knock']

export const peopleOf = (server: string) => [anchorOf(server), ...OTHERS.map((name) => `@${name}:${server}`)]

interface Act {
  type: string
  stateKey?: string
  content: JsonObject
  redacts?: string
}

/** A user does something; what the room refuses changes nothing. */
export async function act(server: NetworkServer, world: World): Promise<void> {
  const { random } = world
  try {
    if (random.chance(0.3)) await changeMembership(server, world)
    else {
      const sender = random.pick(server.joined)
      server.send({ sender, ...(random.chance(0.1) ? redaction(server, random) : anyEvent(world)) })
    }
  } catch (error) {
    if (!(error instanceof MatrixError) && !(error instanceof ServerFailure)) throw error
  }
}

function anyEvent({ random, servers, roomVersion }: World): Act {
  const n = random.below(1_000_000)
  const kind = random.below(20)
  if (kind < 11) return { type: 'm.room.message', content: { msgtype: 'm.text', body: `${n}` } }
  if (kind < 14) return state('m.room.topic', { topic: `${n}` })
  if (kind < 15) return state('m.room.name', { name: `${n}` })
  if (kind < 17) return state('m.room.power_levels', levels(random, [...servers.keys()], roomVersion))
  if (kind < 18) return state('m.room.join_rules', { join_rule: random.pick(JOIN_RULES) })
  return { ...state('org.example.seat', { n }), stateKey: `${random.below(6)}` }
}

const state = (type: string, content: JsonObject): Act => ({ type, stateKey: '', content })

/** Power levels of anybody's making, in which the anchors have 100. */
export function levels(random: Random, servers: readonly string[], roomVersion: string): JsonObject {
  const users: JsonObject = {}
  for (const [index, server] of servers.entries()) {
    const [anchor, ...others] = peopleOf(server)
    // From version 12 on the creator stands above all levels, and may not be named.
    if (index > 0 || roomVersion !== '12') users[anchor!] = 100
    for (const user of others) if (random.chance(0.3)) users[user] = random.pick(LEVELS)
  }
  const content: JsonObject = { users, events: { 'm.room.topic': random.pick([0, 50]) } }
  for (const key of ['ban', 'kick', 'invite', 'redact'])
    if (random.chance(0.3)) content[key] = random.pick(LEVELS)
  return content
}

function redaction(server: NetworkServer, random: Random): Act {
  const query = `SELECT event_id FROM events WHERE flags = 0 AND type != 'm.room.power_levels'
    ORDER BY pos DESC LIMIT 20`
  const redacts = String(random.pick(server.room.rows(query)).event_id)
  const { rules } = server.room.store
  return { type: 'm.room.redaction', redacts, content: rules.redactsInContent ? { redacts } : {} }
}

const ACTIONS: readonly MembershipRequest['action'][] = [
  'join',
  'join',
  'join',
  'leave',
  'kick',
  'ban',
  'unban',
  'unban',
  'invite',
  'knock',
]

async function changeMembership(server: NetworkServer, { random, servers }: World): Promise<void> {
  const action = random.pick(ACTIONS)
  const isOwn = action === 'join' || action === 'leave' || action === 'knock'
  const home = isOwn ? server.name : random.pick([...servers.keys()])
  const target = random.pick(peopleOf(home).slice(1))
  const request = { action, target, sender: isOwn ? target : random.pick(server.joined) }
  if (action === 'invite' && home !== server.name) await server.invite(request)
  else server.changeMembership(request)
}

/** A server makes an event of its own liking on some point of the past, and sends it to whom it likes. */
export async function misbehave(server: NetworkServer, world: World): Promise<void> {
  const { random, servers } = world
  const { eventId, json } = madeUp(server, world)
  world.note(eventId, json)
  const pdus = [JSON.parse(json) as JsonObject]
  await server.take(server.name, pdus)
  for (const other of servers.keys()) {
    if (other === server.name || random.chance(0.5)) continue
    await server.tell(other, [json]).catch(() => undefined)
  }
}

function madeUp(server: NetworkServer, { random, ...world }: World) {
  const { room } = server
  const recent = room.rows(
    "SELECT event_id, depth FROM events WHERE flags = 0 AND type != 'm.room.create' ORDER BY pos DESC LIMIT 60",
  )
  const prev = [random.pick(recent)]
  if (random.chance(0.3)) prev.push(random.pick(recent))
  const prevEvents = [...new Set(prev.map(({ event_id }) => String(event_id)))]
  const before = room.after(prevEvents[0]!)
  const sender = random.pick(peopleOf(server.name))
  const made: Act = random.chance(0.4)
    ? {
        type: 'm.room.member',
        stateKey: random.pick([
          sender,
          random.pick(peopleOf(random.pick([...world.servers.keys()])).slice(1)),
        ]),
        content: { membership: random.pick(['join', 'leave', 'ban', 'invite']) },
      }
    : anyEvent({ random, ...world })
  if (made.type === 'm.room.member' && made.stateKey === sender && sender === anchorOf(server.name))
    made.content = { membership: 'join' }
  const { rules, roomId } = room.store
  const cited = authEventKeys(rules, { sender, ...made })
    .map(([type, key]) => before.get(keyOf(type, key)))
    .filter((eventId) => eventId !== undefined)
  const authEvents = random.chance(0.1) ? cited.slice(1) : cited
  return buildEvent(
    rules,
    {
      roomId,
      sender,
      ...made,
      originServerTs: world.now() - random.below(60_000),
      depth: 1 + Math.max(...prev.map(({ depth }) => Number(depth))),
      authEvents,
      prevEvents,
    },
    server.name,
    server.key,
  )
}
