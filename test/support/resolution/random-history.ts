/** Room histories that a seed repeats: forks, merges, refused events, and times that lie. */
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { signingKey, signJson } from '../../../src/protocol/events/signing.ts'
import { type Random, seeded } from '../../fuzz/random.ts'
import { Dag, FIRST_TS, type Sent, type StateIds } from './dag.ts'

const CREATOR = '@creator:a.example'
const USERS = [CREATOR, '@u1:a.example', '@u2:b.example', '@u3:b.example', '@u4:c.example', '@u5:c.example']
const VERSIONS = ['3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '12', '12']
const JOIN_RULES = ['public', 'public', 'invite', 'knock', 'restricted', 'knock_restricted']
const LEVELS = [0, 0, 25, 50, 50, 75, 100]
const IDENTITY_SERVER = signingKey('ed25519:0', 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')
const STRANGER = signingKey('ed25519:0', 'AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA')

/** States to resolve together. */
export interface Fork {
  states: StateIds[]
  /** Whether the states came by themselves; else something was taken out or put in, as a bad server would. */
  isHonest: boolean
}

export interface History {
  seed: number
  dag: Dag
  forks: Fork[]
}

export function randomHistory(seed: number): History {
  const random = seeded(seed)
  const version = random.pick(VERSIONS)
  const additional =
    version === '12' && random.chance(0.3) ? { additional_creators: [random.pick(USERS)] } : {}
  const dag = new Dag(version, CREATOR, additional)
  const forks: Fork[] = []
  const sent = [...openRoom(dag, random)]
  const length = 15 + random.below(40)
  for (let count = 0; count < length; count++) {
    const prevEvents = pickPrevious(random, sent)
    if (prevEvents.length > 1) forks.push(forkOf(dag, prevEvents))
    const fields = { ...randomEvent(random, version), prev_events: prevEvents }
    fields.origin_server_ts = randomTime(random, count)
    const { verdict } = dag.offer(fields)
    if (verdict === 'allowed') sent.push(dag.send(fields))
    else if (random.chance(0.3)) dag.reject(fields)
  }
  for (let count = 0; count < 3; count++) {
    const events = Array.from({ length: 2 + random.below(3) }, () => random.pick(sent))
    const fork = forkOf(dag, events)
    forks.push(fork)
    if (random.chance(0.5)) forks.push(tamperedFork(random, dag, fork))
  }
  return { seed, dag, forks }
}

/** What a client does to make a room, with some of it left out. */
function* openRoom(dag: Dag, random: Random): Generator<string> {
  yield dag.createId
  yield dag.member(CREATOR, CREATOR, 'join')
  const wanted: Sent[] = [
    state(CREATOR, 'm.room.power_levels', powerLevels(random, dag.rules.version, true)),
    state(CREATOR, 'm.room.join_rules', { join_rule: 'public' }),
    ...USERS.slice(1).map((user) => membership(user, user, { membership: 'join' })),
  ]
  for (const sent of wanted) {
    if (random.chance(0.8) && dag.offer(sent).verdict === 'allowed') yield dag.send(sent)
  }
}

function pickPrevious(random: Random, sent: readonly string[]): string[] {
  const recent = sent.slice(-7)
  const picked = new Set([random.pick(recent)])
  while (random.chance(0.35)) picked.add(random.pick(recent))
  return [...picked]
}

function randomTime(random: Random, count: number): number {
  if (random.chance(0.1)) return FIRST_TS + 20
  return FIRST_TS + count + random.below(7) - 3
}

function forkOf(dag: Dag, events: readonly string[]): Fork {
  return { states: events.map((eventId) => dag.after(eventId)), isHonest: true }
}

/** One of the states lacks a key, or has another of the events that were ever sent for it, refused ones too. */
function tamperedFork(random: Random, dag: Dag, { states }: Fork): Fork {
  const [first, ...others] = states.map((state) => new Map(state))
  for (let count = 0; count < 3; count++) {
    const key = random.pick([...first!.keys()])
    const [type, stateKey] = JSON.parse(key) as [string, string]
    const all = [...dag.events.values()].filter(({ pdu }) => pdu.type === type && pdu.state_key === stateKey)
    const refused = all.filter(({ rejected }) => rejected === true)
    const rivals = refused.length > 0 && random.chance(0.6) ? refused : all
    if (random.chance(0.3) && type !== 'm.room.create') first!.delete(key)
    else first!.set(key, random.pick(rivals).eventId)
  }
  return { states: [first!, ...others], isHonest: false }
}

function randomEvent(random: Random, version: string): Sent {
  const sender = random.chance(0.35) ? CREATOR : random.pick(USERS)
  const kind = random.below(21)
  if (kind < 9) return randomMembership(random, sender)
  if (kind < 13) return state(sender, 'm.room.power_levels', powerLevels(random, version, random.chance(0.8)))
  if (kind < 15) return state(sender, 'm.room.join_rules', { join_rule: random.pick(JOIN_RULES) })
  if (kind < 17) return state(sender, 'm.room.topic', { topic: `topic ${random.below(1_000_000)}` })
  if (kind < 18)
    return { ...state(sender, 'org.example.own', { n: random.below(9) }), state_key: random.pick(USERS) }
  if (kind < 20) return randomOffer(random, sender)
  if (random.chance(0.5)) {
    const server = sender.slice(sender.indexOf(':') + 1)
    return { ...state(sender, 'm.room.aliases', { aliases: [`#x:${server}`] }), state_key: server }
  }
  return { type: 'm.room.message', sender, content: { body: `${random.below(1_000_000)}` } }
}

function state(sender: string, type: string, content: JsonObject): Sent {
  return { type, sender, state_key: '', content }
}

function membership(sender: string, target: string, content: JsonObject): Sent {
  return { type: 'm.room.member', sender, state_key: target, content }
}

function randomMembership(random: Random, sender: string): Sent {
  const target = random.pick(USERS)
  const n = random.below(1_000_000)
  const kind = random.below(20)
  if (kind < 6) return membership(target, target, { membership: 'join', n })
  if (kind < 8) {
    const join_authorised_via_users_server = random.pick(USERS)
    return membership(target, target, { membership: 'join', join_authorised_via_users_server, n })
  }
  if (kind < 10) return membership(target, target, { membership: 'leave', n })
  if (kind < 11) return membership(target, target, { membership: 'knock', n })
  if (kind < 13) return membership(sender, target, { membership: 'invite', n })
  if (kind < 15) return membership(random.chance(0.8) ? CREATOR : sender, target, redeemed(random, target))
  return membership(sender, target, { membership: random.chance(0.5) ? 'ban' : 'leave', n })
}

/** Mostly by one user, since an offer is redeemed by the user who made it. */
function randomOffer(random: Random, anyone: string): Sent {
  const content = random.pick<JsonObject>([
    { public_key: IDENTITY_SERVER.publicKey },
    { public_key: STRANGER.publicKey },
    { public_keys: [{ public_key: STRANGER.publicKey }, { public_key: IDENTITY_SERVER.publicKey }] },
  ])
  return {
    type: 'm.room.third_party_invite',
    sender: random.chance(0.8) ? CREATOR : anyone,
    state_key: `token${random.below(2)}`,
    content: { ...content, display_name: `${random.below(9)}`, key_validity_url: 'https://id.example/valid' },
  }
}

/** An invite that redeems an offer, at times with a signature of the wrong key. */
function redeemed(random: Random, mxid: string): JsonObject {
  const key = random.chance(0.8) ? IDENTITY_SERVER : STRANGER
  const signed = signJson({ mxid, token: `token${random.below(2)}` }, 'id.example', key)
  return { membership: 'invite', third_party_invite: { display_name: 'x', signed } }
}

function powerLevels(random: Random, version: string, sensible: boolean): JsonObject {
  const users: JsonObject = {}
  const asText = Number(version) < 10 && random.chance(0.2)
  const level = (value: number) => (asText ? `${value}` : value)
  // From version 12 on creators must not be named.
  if (sensible && version !== '12') users[CREATOR] = level(100)
  for (const user of USERS.slice(1)) if (random.chance(0.5)) users[user] = level(random.pick(LEVELS))
  const content: JsonObject = { users }
  if (random.chance(0.3)) content.users_default = random.pick([0, 0, 10, 50])
  if (random.chance(0.3)) content.state_default = random.pick(LEVELS)
  for (const key of ['ban', 'kick', 'invite', 'events_default']) {
    if (random.chance(0.2)) content[key] = level(random.pick(LEVELS))
  }
  if (random.chance(0.3)) content.events = { 'm.room.topic': random.pick(LEVELS), 'm.room.power_levels': 50 }
  if (random.chance(0.2)) content.notifications = { room: random.pick(LEVELS) }
  return content
}
