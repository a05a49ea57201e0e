/** Users wiped and made again from Postgres: which of the rooms that they are not in any more a first sync shows them. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../support/client.ts'
import { archived, at, wipeAndRebuildUser } from '../../support/rebuild.ts'
import { serving } from '../../support/serving.ts'

const { server, someone, alice } = serving(['alice'])

type Step = 'invite' | 'join' | 'rename' | 'leave' | 'kick' | 'ban' | 'ban again' | 'unban' | 'forget'

/**
 * What happened to the user in a room, and the last membership that their first sync shows; undefined: it has nothing of
 * the room. A ban that follows a kick is outside what the user may see.
 */
const CASES: Readonly<Record<string, { steps: Step[]; shown?: string }>> = {
  'a kick': { steps: ['join', 'kick'], shown: 'leave' },
  'a ban': { steps: ['join', 'ban'], shown: 'ban' },
  'a kick of a user who had changed their name': { steps: ['join', 'rename', 'kick'], shown: 'leave' },
  'a leave of their own': { steps: ['join', 'leave'] },
  'an invite that was taken back': { steps: ['invite', 'kick'] },
  'an invite that ended in a ban': { steps: ['invite', 'ban'] },
  'a ban of somebody who had left': { steps: ['join', 'leave', 'ban'] },
  'a ban of somebody who had been kicked': { steps: ['join', 'kick', 'ban'], shown: 'leave' },
  'a ban with another reason than before': { steps: ['join', 'ban', 'ban again'], shown: 'ban' },
  'a ban that was lifted': { steps: ['join', 'ban', 'unban'] },
  'a kick, and a return': { steps: ['join', 'kick', 'join'] },
  'a kick after a leave and a return': { steps: ['join', 'leave', 'join', 'kick'], shown: 'leave' },
  'a kick from a room that they forgot': { steps: ['join', 'kick', 'forget'] },
}

async function take(step: Step, room: string, user: Client): Promise<unknown> {
  const target = { user_id: user.userId }
  switch (step) {
    case 'join':
      return must(await user.join(room))
    case 'rename':
      return must(
        await user.put(at(room, `state/m.room.member/${encodeURIComponent(user.userId)}`), {
          membership: 'join',
          displayname: 'Another name',
        }),
      )
    case 'leave':
    case 'forget':
      return must(await user.post(at(room, step)))
    case 'ban again':
      return must(await alice.post(at(room, 'ban'), { ...target, reason: 'still' }))
    default:
      return must(await alice.post(at(room, step), target))
  }
}

/** The rooms left of a first sync. */
const leftOf = async (user: Client): Promise<Record<string, Body>> =>
  must(await user.sync()).body.rooms?.leave ?? {}

const lastMembership = (section: Body | undefined): string | undefined =>
  section?.timeline.events.at(-1).content.membership

async function happened(user: Client, version: string): Promise<Map<string, string>> {
  const rooms = new Map<string, string>()
  for (const [name, { steps }] of Object.entries(CASES)) {
    const room = await alice.createRoom({ preset: 'public_chat', room_version: version })
    for (const step of steps) await take(step, room, user)
    rooms.set(name, room)
  }
  return rooms
}

describe.each(['3', '12'])('in rooms of version %s', (version) => {
  it('a first sync shows a rebuilt user the same rooms left', async () => {
    const bob = await someone()
    const rooms = await happened(bob, version)
    const expected = Object.fromEntries(Object.entries(CASES).map(([name, { shown }]) => [name, shown]))
    const shown = (left: Record<string, Body>) =>
      Object.fromEntries([...rooms].map(([name, room]) => [name, lastMembership(left[room])]))
    const eventsIn = (left: Record<string, Body>) =>
      Object.fromEntries(
        Object.entries(left).map(([room, { timeline }]) => [
          room,
          timeline.events.map((event: Body) => event.event_id),
        ]),
      )
    const before = await leftOf(bob)
    expect(shown(before)).toEqual(expected)
    for (const room of rooms.values()) await archived(server, room)
    await wipeAndRebuildUser(server, bob)
    const after = await leftOf(bob)
    expect(shown(after)).toEqual(expected)
    expect(eventsIn(after)).toEqual(eventsIn(before))
  })
})

it('a rebuilt user who was kicked and is then banned still sees the room', async () => {
  const carol = await someone()
  const room = await alice.createRoom({ preset: 'public_chat' })
  for (const step of ['join', 'kick'] as const) await take(step, room, carol)
  await archived(server, room)
  await wipeAndRebuildUser(server, carol)
  await take('ban', room, carol)
  expect(lastMembership((await leftOf(carol))[room])).toBe('leave')
})
