/** Whom a user ignores, and whose invites they want. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { someone, alice } = serving(['alice'])

const at = (room: string, rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`
const set = async (client: Client, type: string, content: Body) =>
  must(await client.put(`/user/${encodeURIComponent(client.userId)}/account_data/${type}`, content))
const ignore = (client: Client, ...users: Client[]) =>
  set(client, 'm.ignored_user_list', {
    ignored_users: Object.fromEntries(users.map(({ userId }) => [userId, {}])),
  })
const bodies = (events: Body[]) => events.map(({ content }) => content.body).filter(Boolean)

/** A room of Alice with two others. */
async function roomOfThree(): Promise<{ room: string; bob: Client; carol: Client }> {
  const [bob, carol] = [await someone(), await someone()]
  const room = await alice.createRoom({
    preset: 'public_chat',
    room_version: '11',
    power_level_content_override: { users: { [alice.userId]: 100, [bob.userId]: 100 } },
  })
  must(await bob.join(room))
  must(await carol.join(room))
  return { room, bob, carol }
}

describe('an ignored user', () => {
  it('is left out of what an event tells of its thread', async () => {
    const { room, bob, carol } = await roomOfThree()
    const root = await alice.say(room, 'root')
    await ignore(carol, bob)
    const reply = {
      msgtype: 'm.text',
      body: 'unwanted',
      'm.relates_to': { rel_type: 'm.thread', event_id: root },
    }
    must(await bob.put(at(room, 'send/m.room.message/reply'), reply))
    const shown = async (client: Client) =>
      must(await client.get(at(room, `event/${encodeURIComponent(root)}`))).body.unsigned['m.relations']
    expect((await shown(alice))['m.thread'].count).toBe(1)
    expect(await shown(carol)).toBeUndefined()
  })

  it('is left out of a first sync, an increment and the history', async () => {
    const { room, bob, carol } = await roomOfThree()
    await bob.say(room, 'before')
    const since = must(await carol.sync()).body.next_batch
    await ignore(carol, bob)
    await bob.say(room, 'unwanted')
    await alice.say(room, 'wanted')
    const increment = must(await carol.sync({ since })).body.rooms.join[room].timeline
    expect(bodies(increment.events)).toEqual(['wanted'])
    const first = must(await carol.sync()).body.rooms.join[room].timeline
    expect(bodies(first.events)).toEqual(['wanted'])
    const { chunk } = must(await carol.get(at(room, 'messages'), { dir: 'b', limit: 50 })).body
    expect(bodies(chunk)).toEqual(['wanted'])
    expect(bodies(must(await alice.get(at(room, 'messages'), { dir: 'b', limit: 50 })).body.chunk)).toEqual([
      'wanted',
      'unwanted',
      'before',
    ])
  })

  it('is left out of waiting polls, from that moment on', async () => {
    const { room, bob, carol } = await roomOfThree()
    let since = must(await carol.sync()).body.next_batch
    await ignore(carol, bob)
    since = must(await carol.sync({ since })).body.next_batch
    const waiting = carol.sync({ since, timeout: 10_000 })
    await bob.say(room, 'unwanted')
    must(await bob.put(at(room, `typing/${encodeURIComponent(bob.userId)}`), { typing: true }))
    await alice.say(room, 'wanted')
    let answer = must(await waiting).body
    let seen = JSON.stringify(answer)
    while (!seen.includes('"wanted"')) {
      answer = must(await carol.sync({ since: answer.next_batch, timeout: 10_000 })).body
      seen += JSON.stringify(answer)
    }
    expect(seen).not.toContain('unwanted')
    expect(seen).not.toContain(`"user_ids":["${bob.userId}"]`)
    await ignore(carol)
    expect(JSON.stringify(must(await carol.sync()).body)).toContain('unwanted')
  })

  it('is not shown reading, typing or online', async () => {
    const { room, bob, carol } = await roomOfThree()
    await ignore(carol, bob)
    const event = await alice.say(room, 'hello')
    const since = must(await carol.sync()).body.next_batch
    for (const client of [bob, alice]) {
      must(await client.post(at(room, `receipt/m.read/${encodeURIComponent(event)}`)))
      must(await client.put(at(room, `typing/${encodeURIComponent(client.userId)}`), { typing: true }))
      must(await client.put(`/presence/${encodeURIComponent(client.userId)}/status`, { presence: 'online' }))
    }
    for (const query of [{}, { since }]) {
      const { rooms, presence } = must(await carol.sync(query)).body
      const passing = JSON.stringify([rooms.join[room].ephemeral, presence])
      expect(passing).toContain(alice.userId)
      expect(passing).not.toContain(bob.userId)
    }
  })

  it('still changes the state', async () => {
    const { room, bob, carol } = await roomOfThree()
    await ignore(carol, bob)
    const since = must(await carol.sync()).body.next_batch
    must(await bob.put(at(room, 'state/m.room.topic'), { topic: 'by bob' }))
    const { timeline } = must(await carol.sync({ since })).body.rooms.join[room]
    expect(timeline.events.map((event: Body) => event.content.topic)).toEqual(['by bob'])
  })

  it('invites in vain', async () => {
    const [bob, carol] = [await someone(), await someone()]
    await ignore(carol, bob)
    const room = await bob.createRoom()
    must(await bob.invite(room, carol.userId))
    const hidden = must(await carol.sync()).body
    expect(hidden.rooms?.invite?.[room]).toBeUndefined()
    await ignore(carol)
    expect(must(await carol.sync()).body.rooms.invite[room]).toBeDefined()
    const shown = must(await carol.sync({ since: hidden.next_batch })).body
    expect(shown.rooms.invite[room]).toBeDefined()
    // Once, and not with each change that has nothing to do with it.
    await ignore(carol, alice)
    expect(must(await carol.sync({ since: shown.next_batch })).body.rooms?.invite).toBeUndefined()
  })

  it('is never the user’s own name', async () => {
    const { room, carol } = await roomOfThree()
    await ignore(carol, carol)
    await carol.say(room, 'my own')
    expect(JSON.stringify(must(await carol.sync()).body)).toContain('my own')
  })
})

describe.each([
  ['m.invite_permission_config', { default_action: 'block' }, {}],
  [
    'org.matrix.msc4155.invite_permission_config',
    { blocked_servers: ['*'] },
    { enabled: false, blocked_servers: ['*'] },
  ],
])('%s', (type, blocking, allowing) => {
  it('refuses invites on each path, and hides those that are there', async () => {
    const dave = await someone()
    const room = await alice.createRoom({ invite: [dave.userId] })
    expect(must(await dave.sync()).body.rooms.invite[room]).toBeDefined()
    await set(dave, type, blocking)
    const hidden = must(await dave.sync()).body
    expect(hidden.rooms?.invite?.[room]).toBeUndefined()

    const other = await alice.createRoom()
    const blocked = { status: 403, body: { errcode: 'M_INVITE_BLOCKED' } }
    expect(await alice.invite(other, dave.userId)).toMatchObject(blocked)
    const member = at(other, `state/m.room.member/${encodeURIComponent(dave.userId)}`)
    expect(await alice.put(member, { membership: 'invite' })).toMatchObject(blocked)
    const third = await alice.createRoom({ invite: [dave.userId] })
    const asked = at(third, `state/m.room.member/${encodeURIComponent(dave.userId)}`)
    expect((await alice.get(asked)).status).toBe(404)

    await set(dave, type, allowing)
    expect(must(await dave.sync({ since: hidden.next_batch })).body.rooms.invite[room]).toBeDefined()
    must(await alice.invite(other, dave.userId))
    const { invite } = must(await dave.sync()).body.rooms
    expect(Object.keys(invite).sort()).toEqual([room, other].sort())
  })
})

describe('org.matrix.msc4155.invite_permission_config', () => {
  it('accepts ignored invites, and does not show them', async () => {
    const erin = await someone()
    await set(erin, 'org.matrix.msc4155.invite_permission_config', { ignored_users: ['@ali*:test.example'] })
    const room = await alice.createRoom()
    must(await alice.invite(room, erin.userId))
    expect(must(await erin.sync()).body.rooms?.invite).toBeUndefined()
  })
})
