/** Joins of restricted rooms: who vouches for those that come from a room of the list. */
import { describe, expect, it } from 'vitest'
import { type Client, must } from '../../../support/client.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'])
const room = (roomId: string) => `/rooms/${encodeURIComponent(roomId)}`

async function member(roomId: string, of: Client, viewer = alice) {
  return (await viewer.get(`${room(roomId)}/state/m.room.member/${encodeURIComponent(of.userId)}`)).body
}

describe('join', () => {
  it('into a restricted room needs membership of a room on its list', async () => {
    const club = await alice.createRoom({ preset: 'public_chat' })
    const inner = await alice.createRoom({
      initial_state: [
        {
          type: 'm.room.join_rules',
          content: {
            join_rule: 'restricted',
            allow: [
              { type: 'm.room_membership', room_id: '!unknown:test.example' },
              { type: 'm.room_membership', room_id: club },
            ],
          },
        },
      ],
    })
    const carol = await http.register('clubber')
    const byState = () =>
      carol.put(`/rooms/${encodeURIComponent(inner)}/state/m.room.member/${carol.userId}`, {
        membership: 'join',
      })
    expect((await bob.join(inner)).status).toBe(403)
    expect((await byState()).status).toBe(403)
    for (const client of [bob, carol]) await client.join(club)
    expect((await bob.join(inner)).status).toBe(200)
    expect((await byState()).status).toBe(200)
    for (const client of [bob, carol])
      expect((await member(inner, client)).join_authorised_via_users_server).toBe(alice.userId)
  })

  it('into a restricted room finds the one member that may vouch, among any number that may not', async () => {
    const club = await alice.createRoom({ preset: 'public_chat' })
    const allow = [{ type: 'm.room_membership', room_id: club }]
    const [voucher, bystander, joiner] = [
      await http.register('voucher'),
      await http.register('bystander'),
      await http.register('joiner'),
    ]
    const inner = await alice.createRoom({
      room_version: '11',
      preset: 'public_chat',
      power_level_content_override: {
        invite: 50,
        users: {
          [alice.userId]: 100,
          [voucher.userId]: 50,
          '@away:test.example': 90,
          '@far:other.example': 90,
        },
      },
    })
    for (const client of [bystander, voucher]) must(await client.join(inner))
    const at = (rest: string) => `/rooms/${encodeURIComponent(inner)}${rest}`
    must(await alice.put(at('/state/m.room.join_rules'), { join_rule: 'restricted', allow }))
    must(await alice.post(at('/leave')))
    // As if they had joined long before.
    await server.sql(
      'ROOM',
      objectName.room(server.serverName, inner),
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
       INSERT INTO members (user_id, membership, event_id, since_pos)
       SELECT '@many' || i || ':test.example', 'join', '$none', 0 FROM n`,
    )
    must(await joiner.join(club))
    must(await joiner.join(inner))
    expect((await member(inner, joiner, voucher)).join_authorised_via_users_server).toBe(voucher.userId)
    must(await voucher.post(at('/leave')))
    const late = await http.register('late-joiner')
    must(await late.join(club))
    expect((await late.join(inner)).status).toBe(403)
    // The archive never heard of them.
    const name = objectName.room(server.serverName, inner)
    await server.sql('ROOM', name, "DELETE FROM members WHERE event_id = '$none'")
  })

  it('into a restricted room takes a member without a level of their own as voucher, if all may invite', async () => {
    const club = await alice.createRoom({ preset: 'public_chat' })
    const [muted, ordinary, joiner] = [
      await http.register('muted'),
      await http.register('ordinary'),
      await http.register('joiner-of-many'),
    ]
    const inner = await alice.createRoom({
      room_version: '11',
      preset: 'public_chat',
      power_level_content_override: { invite: 0, users: { [alice.userId]: 100, [muted.userId]: -1 } },
    })
    for (const client of [muted, ordinary]) must(await client.join(inner))
    const at = (rest: string) => `/rooms/${encodeURIComponent(inner)}${rest}`
    const rule = { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: club }] }
    must(await alice.put(at('/state/m.room.join_rules'), rule))
    must(await alice.post(at('/leave')))
    must(await joiner.join(club))
    must(await joiner.join(inner))
    const { join_authorised_via_users_server: voucher } = await member(inner, joiner, ordinary)
    expect(voucher).toBe(ordinary.userId)
  })

  it('into a restricted room does not take the client’s word for its voucher', async () => {
    const allow = [{ type: 'm.room_membership', room_id: '!unknown:test.example' }]
    const inner = await alice.createRoom({
      initial_state: [{ type: 'm.room.join_rules', content: { join_rule: 'restricted', allow } }],
    })
    const forged = { join_authorised_via_users_server: alice.userId }
    const path = `/rooms/${encodeURIComponent(inner)}`
    const answers = [
      await bob.put(`${path}/state/m.room.member/${bob.userId}`, { membership: 'join', ...forged }),
      await bob.post(`${path}/join`, forged),
    ]
    for (const { status, body } of answers) expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })
})
