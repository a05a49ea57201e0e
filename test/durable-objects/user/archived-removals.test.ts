/** How the end of a user's stay in a room is read from the archive. */
import { expect, it } from 'vitest'
import { archivedRemovals } from '../../../durable-objects/user/archived-removals.ts'
import type { ArchivedMember, ArchivedMembership } from '../../../src/ports/archive.ts'
import type { Membership } from '../../../src/protocol/rooms/membership.ts'

const ALICE = '@alice:test.example'
const BOB = '@bob:test.example'

const roomOf = (n: number, membership: Membership, eventId: string): ArchivedMembership => ({
  ...{ roomId: `!room${n}:test.example`, membership, eventId, pos: 9, forgotten: false },
})
const event = (
  eventId: string,
  membership: Membership,
  sender: string,
  authEvents: string[],
): ArchivedMember => ({ eventId, membership, sender, authEvents })

/** A reader that has these events, and the numbers of ids that it was asked for. */
function reading(has: (eventId: string) => ArchivedMember | undefined) {
  const asked: number[] = []
  const reader = {
    memberEvents: (_: string, ids: readonly string[]) => {
      asked.push(ids.length)
      return Promise.resolve(ids.flatMap((id) => has(id) ?? []))
    },
  }
  return { asked, reader }
}

it('asks for the events of a hundred rooms together, and for none of rooms that the user is in', async () => {
  const { asked, reader } = reading((id) =>
    id.startsWith('$kick')
      ? event(id, 'leave', ALICE, ['$create', id.replace('kick', 'join')])
      : id.startsWith('$join')
        ? event(id, 'join', BOB, ['$earlier'])
        : undefined,
  )
  const rooms = Array.from({ length: 150 }, (_, n) => roomOf(n, 'leave', `$kick${n}`))
  const found = await archivedRemovals(reader, BOB, [...rooms, roomOf(200, 'join', '$join200')])
  expect(asked).toEqual([100, 200, 50, 100])
  expect([found.size, found.has('!room200:test.example')]).toEqual([150, false])
  for (const standing of found.values())
    expect(standing).toEqual({ membership: 'leave', was: 'join', byOther: true })
})

it('follows a ban that was renewed without end for twenty events', async () => {
  const { asked, reader } = reading((id) => event(id, 'ban', ALICE, [`${id}x`]))
  const found = await archivedRemovals(reader, BOB, [roomOf(1, 'ban', '$ban')])
  expect(asked).toHaveLength(20)
  expect([...found.values()]).toEqual([{ membership: 'ban', was: null, byOther: true }])
})

it('leaves out a room whose member event the archive lacks', async () => {
  const { reader } = reading(() => undefined)
  expect(await archivedRemovals(reader, BOB, [roomOf(1, 'leave', '$other')])).toEqual(new Map())
})
