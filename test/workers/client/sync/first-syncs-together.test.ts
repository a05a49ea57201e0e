/** First syncs of several members between two events: the Room answers them from one reading of its tables. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { someone, alice, bob } = serving(['alice', 'bob'])

const at = (id: string, rest: string) => `/rooms/${encodeURIComponent(id)}/${rest}`
const LAZY = JSON.stringify({ room: { state: { lazy_load_members: true }, timeline: { limit: 50 } } })

async function joined(client: Client, room: string, query: Body = {}): Promise<Body> {
  const { body } = must(await client.sync({ filter: LAZY, ...query }))
  return body.rooms.join[room]
}

const bodies = ({ timeline }: Body): string[] =>
  timeline.events.flatMap(({ content }: Body) => (content.body === undefined ? [] : [content.body]))
const memberships = ({ timeline }: Body): Record<string, string> =>
  Object.fromEntries(
    timeline.events
      .filter(({ content }: Body) => content.body !== undefined)
      .map(({ content, unsigned }: Body) => [content.body, unsigned.membership]),
  )

describe('members that sync for the first time between two events', () => {
  it('see each what their own stay shows them, whoever asks first', async () => {
    for (const order of [
      [alice, bob],
      [bob, alice],
    ]) {
      const initial_state = [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }]
      const room = await alice.createRoom({ preset: 'public_chat', initial_state })
      await alice.say(room, 'before')
      must(await bob.join(room))
      await alice.say(room, 'after')
      const seen = new Map<Client, string[]>()
      for (const client of order) seen.set(client, bodies(await joined(client, room)))
      expect(seen.get(alice)).toEqual(['before', 'after'])
      expect(seen.get(bob)).toEqual(['after'])
    }
  })

  it('are told their own membership at each event', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    await alice.say(room, 'before')
    must(await bob.join(room))
    await alice.say(room, 'after')
    expect(memberships(await joined(alice, room))).toEqual({ before: 'join', after: 'join' })
    expect(memberships(await joined(bob, room))).toEqual({ before: 'leave', after: 'join' })
    expect(memberships(await joined(alice, room))).toEqual({ before: 'join', after: 'join' })
  })

  it('see their own transaction ids alone', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    must(await alice.put(at(room, 'send/m.room.message/mine'), { msgtype: 'm.text', body: 'one' }))
    const txnOf = ({ timeline }: Body) => timeline.events.at(-1).unsigned.transaction_id
    expect([txnOf(await joined(bob, room)), txnOf(await joined(alice, room))]).toEqual([undefined, 'mine'])
  })

  it('see their own private receipts, and those of others that are public', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    const event = await alice.say(room, 'read')
    must(await bob.post(at(room, `receipt/m.read/${encodeURIComponent(event)}`), {}))
    must(await bob.post(at(room, `receipt/m.read.private/${encodeURIComponent(event)}`), {}))
    must(await alice.post(at(room, `receipt/m.read.private/${encodeURIComponent(event)}`), {}))
    const receipts = ({ ephemeral }: Body) =>
      Object.fromEntries(
        Object.entries<Body>(ephemeral.events[0].content[event]).map(([type, users]) => [
          type,
          Object.keys(users),
        ]),
      )
    const all = { 'm.read': [bob.userId] }
    expect(receipts(await joined(alice, room))).toEqual({ ...all, 'm.read.private': [alice.userId] })
    expect(receipts(await joined(bob, room))).toEqual({ ...all, 'm.read.private': [bob.userId] })
  })

  it('are each told the heroes and the members that are theirs', async () => {
    const carol = await someone()
    const room = await alice.createRoom({ preset: 'public_chat' })
    for (const client of [bob, carol]) must(await client.join(room))
    const told = async (client: Client) => {
      const { summary, state, timeline } = await joined(client, room)
      const events = [...state.events, ...timeline.events]
      const members = events.filter(({ type }: Body) => type === 'm.room.member')
      return {
        heroes: summary['m.heroes'].toSorted(),
        members: [...new Set(members.map(({ state_key }: Body) => state_key))].toSorted(),
      }
    }
    const everybody = [alice, bob, carol].map(({ userId }) => userId).toSorted()
    for (const client of [alice, bob, carol])
      expect(await told(client)).toEqual({
        heroes: everybody.filter((userId) => userId !== client.userId),
        members: everybody,
      })
  })
})

describe('what happens between two first syncs', () => {
  it('is in the second: a redaction, a name, a receipt, a member, an ignored user', async () => {
    const room = await alice.createRoom({ preset: 'public_chat', name: 'old' })
    must(await bob.join(room))
    const gone = await alice.say(room, 'to be redacted')
    await joined(bob, room)
    must(await alice.put(at(room, `redact/${encodeURIComponent(gone)}/r`), {}))
    expect(bodies(await joined(bob, room))).toEqual([])
    must(await alice.put(at(room, 'state/m.room.name'), { name: 'new' }))
    const { timeline } = await joined(bob, room)
    expect(timeline.events.at(-1)).toMatchObject({
      content: { name: 'new' },
      unsigned: { prev_content: { name: 'old' } },
    })
    const event = await alice.say(room, 'read this')
    await joined(alice, room)
    must(await bob.post(at(room, `receipt/m.read/${encodeURIComponent(event)}`), {}))
    const { ephemeral } = await joined(alice, room)
    expect(ephemeral.events[0].content[event]['m.read']).toHaveProperty([bob.userId])
    const carol = await someone()
    must(await carol.join(room))
    expect((await joined(alice, room)).summary['m.joined_member_count']).toBe(3)
    const dave = await someone()
    must(await dave.join(room))
    await joined(dave, room)
    must(
      await dave.put(`/user/${encodeURIComponent(dave.userId)}/account_data/m.ignored_user_list`, {
        ignored_users: { [alice.userId]: {} },
      }),
    )
    expect(bodies(await joined(dave, room))).toEqual([])
    expect(bodies(await joined(carol, room))).toEqual(['read this'])
  })

  it('counts as unread for each by their own receipts', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    for (const client of [bob, await someone()]) must(await client.join(room))
    const carol = await someone()
    const unread = async (client: Client) =>
      (await joined(client, room)).unread_notifications.notification_count
    const first = await alice.say(room, 'one')
    await alice.say(room, 'two')
    expect([await unread(bob), await unread(alice)]).toEqual([2, 0])
    must(await bob.post(at(room, `receipt/m.read/${encodeURIComponent(first)}`), {}))
    expect(await unread(bob)).toBe(1)
    must(await carol.join(room))
    expect([await unread(carol), await unread(bob)]).toEqual([0, 1])
    await bob.say(room, 'three')
    expect([await unread(carol), await unread(bob), await unread(alice)]).toEqual([1, 0, 1])
  })
})
