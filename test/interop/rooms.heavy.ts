/** Rooms that users of Selvedge and of Synapse are in together. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Client, must } from '../support/client.ts'
import { agreed, joinVia, PATIENCE, pair, said } from './pair.ts'
import { expectAll, numbered, sayAll, talk } from './talk.ts'

const servers = pair()
const VERSIONS = ['6', '10', '11', '12']

let alice: Client
let sam: Client
beforeAll(async () => {
  alice = await servers.selvedge.http.register('alice')
  sam = await servers.synapse.http.register('sam')
})

/** In the version that Synapse makes by itself many messages; in the others enough for several transactions. */
const messagesIn = (version: string) => (version === '12' ? 200 : 25)

describe.each(['selvedge', 'synapse'] as const)('a room made on %s', (side) => {
  it.each(VERSIONS)(
    'in version %s is joined from the other, and both hear all of what is said',
    async (version) => {
      const [maker, other] = side === 'selvedge' ? [alice, sam] : [sam, alice]
      const roomId = await maker.createRoom({ preset: 'public_chat', room_version: version })
      await joinVia(other, roomId, servers[side].name)
      const texts = await talk({ alice, sam }, roomId, { count: messagesIn(version) })
      await expectAll({ alice, sam }, roomId, texts)
      await agreed(roomId, alice, sam)
    },
  )
})

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

it('history of before the join is read on Selvedge, page by page, to its beginning', async () => {
  const roomId = await sam.createRoom({ preset: 'public_chat', room_version: '11' })
  const texts = numbered('sam', 130)
  await sayAll(sam, roomId, texts.slice(0, 100))
  must(await sam.put(`/rooms/${roomId}/state/m.room.topic`, { topic: 'in the middle' }))
  await sayAll(sam, roomId, texts.slice(100))
  await joinVia(alice, roomId, servers.synapse.name)
  await expect.poll(() => said(alice, roomId), PATIENCE).toEqual(texts)
  await sam.say(roomId, 'sam goes on')
  await alice.say(roomId, 'alice goes on')
  await expectAll({ alice, sam }, roomId, [...texts, 'sam goes on', 'alice goes on'])
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

  it('that is taken back on Synapse goes away on Selvedge', async () => {
    const roomId = await sam.createRoom({ preset: 'private_chat', room_version: '11' })
    must(await sam.invite(roomId, alice.userId))
    await expect.poll(() => invitedTo(alice), PATIENCE).toContain(roomId)
    must(await sam.post(`/rooms/${roomId}/kick`, { user_id: alice.userId }))
    await expect.poll(() => invitedTo(alice), PATIENCE).not.toContain(roomId)
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
