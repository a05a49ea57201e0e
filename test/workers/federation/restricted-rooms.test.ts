/** Restricted rooms of this server that users of another join: a user here vouches for them. */
import { describe, expect, it } from 'vitest'
import { type Body, must } from '../../support/client.ts'
import { makeTemplate, sendSigned, signedEvent, take } from '../../support/federation/joiner.ts'
import { federating, remote } from '../../support/federation/remote.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { http, alice, bob } = serving(['alice', 'bob'], federating)

const eve = () => `@eve:${other.name}`
const publicRoom = (more: Body = {}) => alice.createRoom({ preset: 'public_chat', ...more })

describe('a join of a restricted room by another server', () => {
  async function restricted(version: string) {
    const space = await publicRoom()
    const roomId = await alice.createRoom({
      preset: 'public_chat',
      room_version: version,
      initial_state: [
        {
          type: 'm.room.join_rules',
          content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: space }] },
        },
      ],
    })
    return { space, roomId }
  }

  it.each(['8', '10', '12'])(
    'is vouched for in version %s, with the signature of this server',
    async (version) => {
      const { space, roomId } = await restricted(version)
      await take(other, http, { membership: 'join', roomId: space, userId: eve() })
      const join = await take(other, http, { membership: 'join', roomId, userId: eve() })
      expect(join.pdu.content.join_authorised_via_users_server).toBe(alice.userId)
      expect(Object.keys(join.body.event.signatures).sort()).toEqual([other.name, 'test.example'].sort())
    },
  )

  it('is refused to a user who is in none of its rooms', async () => {
    const { roomId } = await restricted('10')
    const { status, body } = await makeTemplate(other, http, { membership: 'join', roomId, userId: eve() })
    expect([status, body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })

  it('is left to another server where the room that lets users in is not here', async () => {
    const roomId = await alice.createRoom({
      preset: 'public_chat',
      initial_state: [
        {
          type: 'm.room.join_rules',
          content: {
            join_rule: 'restricted',
            allow: [{ type: 'm.room_membership', room_id: `!${'d'.repeat(43)}` }],
          },
        },
      ],
    })
    const { status, body } = await makeTemplate(other, http, { membership: 'join', roomId, userId: eve() })
    expect([status, body.errcode]).toEqual([400, 'M_UNABLE_TO_AUTHORISE_JOIN'])
  })

  it('cannot name somebody as vouching who did not', async () => {
    const { roomId } = await restricted('10')
    const open = await publicRoom({ room_version: '10' })
    const { body } = must(
      await makeTemplate(other, http, { membership: 'join', roomId: open, userId: eve() }),
    )
    const content = { membership: 'join', join_authorised_via_users_server: bob.userId }
    const signed = signedEvent(other, { ...body.event, room_id: roomId, content }, '10')
    const { status } = await sendSigned(other, http, { membership: 'join', roomId, ...signed })
    expect([400, 403]).toContain(status)
  })
})
