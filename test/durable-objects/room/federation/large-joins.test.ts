/** Large rooms of other servers that a local user joins. */
import { expect, it } from 'vitest'
import type { Client } from '../../../support/client.ts'
import { RemoteServer } from '../../../support/federation/remote-server.ts'
import { RoomStub } from '../../../support/federation/room-stub.ts'
import { serving } from '../../../support/serving.ts'

const EVE = '@eve:away.example'
const { server, alice } = serving(['alice'], { federation: 'on', 'archive-delay-ms': '600000' })

/** A public room with so many members beside its creator, which the client joins. Answers its id. */
async function join({ userId }: Client, members: number): Promise<string> {
  const roomId = `!of${members}:away.example`
  const away = new RemoteServer('11', roomId)
  const events = [
    away.state(EVE, 'm.room.create', { room_version: '11' }),
    away.member(EVE, EVE, 'join'),
    away.state(EVE, 'm.room.power_levels', { users: { [EVE]: 100 } }),
    away.state(EVE, 'm.room.join_rules', { join_rule: 'public' }),
  ]
  for (let index = 0; index < members; index += 1) {
    const userId = `@member${index}:away.example`
    events.push(away.member(userId, userId, 'join'))
  }
  const joined = away.member(userId, userId, 'join')
  const stateIds = events.map(({ eventId }) => eventId)
  const stub = new RoomStub(server, roomId)
  expect(await stub.joinRemote({ roomVersion: '11', events, finish: { join: joined, stateIds } })).toEqual({
    ok: true,
  })
  return roomId
}

const archivedMembers = async (roomId: string) => {
  const query = 'select joined_members from room_summaries where room_id = $1'
  return (await server.pg(query, [roomId]))[0]?.joined_members
}

it('the lists know a small room before its join is answered', async () => {
  expect(Number(await archivedMembers(await join(alice, 5)))).toBe(7)
})

it('the join of a large room does not wait for the lists', async () => {
  expect(await archivedMembers(await join(alice, 300))).toBeUndefined()
})
