/** Rooms that users of Selvedge and of Synapse are in together. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Client, must } from '../support/client.ts'
import { agreed, joinVia, PATIENCE, pair, said } from './pair.ts'

const servers = pair()
const VERSIONS = ['6', '10', '11', '12']

let alice: Client
let sam: Client
beforeAll(async () => {
  alice = await servers.selvedge.http.register('alice')
  sam = await servers.synapse.http.register('sam')
})

const numbered = (who: string, count: number) =>
  Array.from({ length: count }, (_, index) => `${who} ${String(index + 1).padStart(3, '0')}`)

/** Each says all of theirs in turn, both at the same time. */
async function talk(roomId: string, count: number): Promise<string[]> {
  const texts = { alice: numbered('alice', count), sam: numbered('sam', count) }
  const say = async (who: Client, bodies: string[]) => {
    for (const body of bodies) await who.say(roomId, body)
  }
  await Promise.all([say(alice, texts.alice), say(sam, texts.sam)])
  return [...texts.alice, ...texts.sam]
}

/** Both have all of it, and each speaker's in the order in which it was said. */
async function expectAll(roomId: string, texts: string[]): Promise<void> {
  for (const who of [alice, sam]) {
    await expect.poll(async () => (await said(who, roomId)).length, PATIENCE).toBe(texts.length)
    const seen = await said(who, roomId)
    for (const speaker of ['alice', 'sam'])
      expect(seen.filter((body) => body.startsWith(speaker))).toEqual(
        texts.filter((body) => body.startsWith(speaker)),
      )
  }
}

describe.each(VERSIONS)('a room of version %s made on Selvedge', (version) => {
  it('is joined from Synapse, and both hear all of what is said', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat', room_version: version })
    await joinVia(sam, roomId, servers.selvedge.name)
    await expectAll(roomId, await talk(roomId, 25))
    await agreed(roomId, alice, sam)
  })
})

describe.each(VERSIONS)('a room of version %s made on Synapse', (version) => {
  it('is joined from Selvedge, and both hear all of what is said', async () => {
    const roomId = await sam.createRoom({ preset: 'public_chat', room_version: version })
    await joinVia(alice, roomId, servers.synapse.name)
    await expectAll(roomId, await talk(roomId, 25))
    await agreed(roomId, alice, sam)
  })
})

it.each(['selvedge', 'synapse'] as const)(
  'a netsplit ends in one state, in a room made on %s',
  async (side) => {
    const [maker, other] = side === 'selvedge' ? [alice, sam] : [sam, alice]
    const roomId = await maker.createRoom({ preset: 'public_chat', room_version: '11' })
    await joinVia(other, roomId, servers[side].name)
    const levels = must(await maker.get(`/rooms/${roomId}/state/m.room.power_levels`)).body
    const shared = { ...levels, users: { ...levels.users, [other.userId]: 100 } }
    must(await maker.put(`/rooms/${roomId}/state/m.room.power_levels`, shared))
    await agreed(roomId, alice, sam)

    servers.split()
    const texts = await talk(roomId, 150)
    for (const [index, who] of [alice, sam].entries()) {
      must(await who.put(`/rooms/${roomId}/state/m.room.topic`, { topic: `topic of ${who.userId}` }))
      must(await who.put(`/rooms/${roomId}/state/m.room.name`, { name: `name of ${who.userId}` }))
      const changed = { ...shared, events: { ...shared.events, [`org.example.${index}`]: 50 } }
      must(await who.put(`/rooms/${roomId}/state/m.room.power_levels`, changed))
    }
    servers.heal()
    await alice.say(roomId, 'alice again')
    await sam.say(roomId, 'sam again')
    await expectAll(roomId, [...texts, 'alice again', 'sam again'])
    await agreed(roomId, alice, sam)
  },
)

describe('a room made on Selvedge', () => {
  let roomId: string
  beforeAll(async () => {
    roomId = await alice.createRoom({ preset: 'public_chat', room_version: '11' })
    await alice.say(roomId, 'alice before')
    await joinVia(sam, roomId, servers.selvedge.name)
  })
  const membershipSeenBy = async (who: Client, userId: string) =>
    (await who.get(`/rooms/${roomId}/state/m.room.member/${userId}`)).body.membership

  it('has its history of before the join', async () => {
    await expect.poll(() => said(sam, roomId), PATIENCE).toContain('alice before')
  })

  it('loses what either side redacts', async () => {
    const levels = must(await alice.get(`/rooms/${roomId}/state/m.room.power_levels`)).body
    const users = { ...levels.users, [sam.userId]: 50 }
    must(await alice.put(`/rooms/${roomId}/state/m.room.power_levels`, { ...levels, users }))
    await agreed(roomId, alice, sam)
    const mine = await alice.say(roomId, 'alice takes back')
    const theirs = await sam.say(roomId, 'sam takes back')
    await expect.poll(() => said(sam, roomId), PATIENCE).toContain('alice takes back')
    await expect.poll(() => said(alice, roomId), PATIENCE).toContain('sam takes back')
    must(await alice.put(`/rooms/${roomId}/redact/${encodeURIComponent(theirs)}/r1`, {}))
    must(await sam.put(`/rooms/${roomId}/redact/${encodeURIComponent(mine)}/r2`, {}))
    for (const who of [alice, sam])
      await expect
        .poll(async () => (await said(who, roomId)).filter((text) => text.endsWith('takes back')), PATIENCE)
        .toEqual([])
  })

  it('is left, joined again, and knows who is thrown out and banned', async () => {
    must(await sam.post(`/rooms/${roomId}/leave`))
    await expect.poll(() => membershipSeenBy(alice, sam.userId), PATIENCE).toBe('leave')
    await joinVia(sam, roomId, servers.selvedge.name)
    await expect.poll(() => membershipSeenBy(alice, sam.userId), PATIENCE).toBe('join')
    must(await alice.post(`/rooms/${roomId}/kick`, { user_id: sam.userId }))
    await expect
      .poll(async () => (await sam.get('/joined_rooms')).body.joined_rooms, PATIENCE)
      .not.toContain(roomId)
    must(await alice.post(`/rooms/${roomId}/ban`, { user_id: sam.userId }))
    const via = encodeURIComponent(servers.selvedge.name)
    const refused = await sam.post(`/join/${encodeURIComponent(roomId)}?via=${via}&server_name=${via}`)
    expect(refused.status).toBe(403)
    must(await alice.post(`/rooms/${roomId}/unban`, { user_id: sam.userId }))
    await joinVia(sam, roomId, servers.selvedge.name)
    await agreed(roomId, alice, sam)
  })
})

it('nothing is lost when Selvedge is killed while messages come and go', async () => {
  const roomId = await alice.createRoom({ preset: 'public_chat', room_version: '11' })
  await joinVia(sam, roomId, servers.selvedge.name)
  const texts = numbered('sam', 60)
  const talking = (async () => {
    for (const body of texts) await sam.say(roomId, body)
  })()
  const mine = numbered('alice', 20)
  for (const body of mine) await alice.say(roomId, body)
  await servers.selvedge.server.restart()
  await talking
  await sam.say(roomId, 'sam again')
  await expectAll(roomId, [...mine, ...texts, 'sam again'])
  await agreed(roomId, alice, sam)
})

it('history of before the join is read on Selvedge, page by page, to its beginning', async () => {
  const roomId = await sam.createRoom({ preset: 'public_chat', room_version: '11' })
  const texts = numbered('sam', 130)
  for (const body of texts.slice(0, 100)) await sam.say(roomId, body)
  must(await sam.put(`/rooms/${roomId}/state/m.room.topic`, { topic: 'in the middle' }))
  for (const body of texts.slice(100)) await sam.say(roomId, body)
  await joinVia(alice, roomId, servers.synapse.name)
  await expect.poll(() => said(alice, roomId), PATIENCE).toEqual(texts)
  await sam.say(roomId, 'sam goes on')
  await alice.say(roomId, 'alice goes on')
  await expectAll(roomId, [...texts, 'sam goes on', 'alice goes on'])
  await agreed(roomId, alice, sam)
})

describe('an invite', () => {
  const invitedTo = async (who: Client) => Object.keys(must(await who.sync()).body.rooms?.invite ?? {})
  const people = () => [
    ['from Selvedge to Synapse', alice, sam, servers.selvedge.name] as const,
    ['from Synapse to Selvedge', sam, alice, servers.synapse.name] as const,
  ]

  it.each([0, 1])('is taken: %i', async (index) => {
    const [, inviter, guest, via] = people()[index]!
    const roomId = await inviter.createRoom({ preset: 'private_chat', room_version: '11', name: 'Private' })
    must(await inviter.invite(roomId, guest.userId))
    await expect.poll(() => invitedTo(guest), PATIENCE).toContain(roomId)
    await joinVia(guest, roomId, via)
    await guest.say(roomId, 'here I am')
    await expect.poll(() => said(inviter, roomId), PATIENCE).toEqual(['here I am'])
    await agreed(roomId, inviter, guest)
  })

  it.each([0, 1])('is declined: %i', async (index) => {
    const [, inviter, guest] = people()[index]!
    const roomId = await inviter.createRoom({ preset: 'private_chat', room_version: '11' })
    must(await inviter.invite(roomId, guest.userId))
    await expect.poll(() => invitedTo(guest), PATIENCE).toContain(roomId)
    must(await guest.post(`/rooms/${roomId}/leave`))
    const membership = async () =>
      (await inviter.get(`/rooms/${roomId}/state/m.room.member/${guest.userId}`)).body.membership
    await expect.poll(membership, PATIENCE).toBe('leave')
    expect(await invitedTo(guest)).not.toContain(roomId)
  })
})
