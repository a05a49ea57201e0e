/** Presence: who is there, for the people around them. */
import { beforeEach, describe, expect, it } from 'vitest'
import { api, type Body, type Client, must, silence } from '../../../support/client.ts'
import { settled } from '../../../support/faults.ts'
import { objectName, startServer } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http } = serving([], { staysAwake: 'what is known of others’ presence lives in memory' })
let alice: Client
let bob: Client
let users = 0

/** New people each time: presence is of users, not of rooms. */
beforeEach(async () => {
  users += 1
  alice = await http.register(`alice${users}`)
  bob = await http.register(`bob${users}`)
  const room = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(room))
})

const status = (client: Client) => `/presence/${encodeURIComponent(client.userId)}/status`
const setTo = async (client: Client, body: Body) => must(await client.put(status(client), body))
const calls = async (): Promise<Record<string, number>> =>
  must(await http.request('GET', '/_selvedge/test/calls')).body
/** Of this user: whoever's alarm came first would take it otherwise. */
const fault = async (name: string, { userId }: Client) =>
  must(await http.request('POST', '/_selvedge/test/faults', { name, count: 1, key: userId }))

/** Has the next alarms look at presence, though its time has not come; a change brings one. */
async function look(client: Client): Promise<void> {
  must(await http.request('POST', '/_selvedge/test/faults', { name: 'job:presence', count: 20 }))
  await client.put(`/user/${encodeURIComponent(client.userId)}/account_data/org.example`, {})
}

function presenceOf(client: Client, body: Body): Body {
  return body.presence?.events.find(({ sender }: Body) => sender === client.userId)?.content
}

/** Polls until presence of `other` comes that is as wanted. */
async function until(client: Client, since: string, other: Client, wanted: string): Promise<Body> {
  let token = since
  for (let polls = 0; polls < 10; polls += 1) {
    const { body } = must(await client.sync({ since: token, timeout: 3_000 }))
    const content = presenceOf(other, body)
    if (content?.presence === wanted) return { content, since: body.next_batch }
    token = body.next_batch
  }
  throw new Error(`${other.userId} never was ${wanted}`)
}

describe('presence in sync', () => {
  it('shows the online users in a first sync, the user included', async () => {
    await bob.sync()
    const { body } = await alice.sync()
    expect(presenceOf(alice, body)).toMatchObject({ presence: 'online', currently_active: true })
    expect(presenceOf(bob, body)).toMatchObject({ presence: 'online', last_active_ago: expect.any(Number) })
  })

  it('tells waiting clients of a user that comes online, and of their status', async () => {
    const { next_batch } = (await bob.sync()).body
    const coming = until(bob, next_batch, alice, 'online')
    await alice.sync()
    const { since } = await coming
    const saying = until(bob, since, alice, 'unavailable')
    await setTo(alice, { presence: 'unavailable', status_msg: 'at lunch' })
    expect((await saying).content.status_msg).toBe('at lunch')
  })

  it('is told once, and then a poll has no news', async () => {
    await bob.sync()
    await alice.sync()
    await settled(http)
    const first = (await bob.sync()).body
    const second = (await bob.sync({ since: first.next_batch, timeout: 300 })).body
    expect(second).toEqual(silence(first.next_batch))
  })

  it('does not change with a sync as offline', async () => {
    await alice.sync({ set_presence: 'offline' })
    expect((await bob.get(status(alice))).body.presence).toBe('offline')
  })

  it('follows what a device says of itself', async () => {
    const { next_batch } = (await alice.sync({ set_presence: 'online' })).body
    await alice.sync({ since: next_batch, set_presence: 'unavailable' })
    expect((await bob.get(status(alice))).body.presence).toBe('unavailable')
  })

  it('follows the first sync of a device too, and the device that is most present', async () => {
    await setTo(alice, { presence: 'online' })
    await alice.sync({ set_presence: 'unavailable' })
    expect((await bob.get(status(alice))).body.presence).toBe('unavailable')
    const desk = await http.login(`alice${users}`)
    const { next_batch } = (await desk.sync({ set_presence: 'online' })).body
    expect((await bob.get(status(alice))).body.presence).toBe('online')
    await alice.sync({ set_presence: 'unavailable' })
    expect((await bob.get(status(alice))).body.presence).toBe('online')
    await desk.sync({ since: next_batch, set_presence: 'unavailable' })
    expect((await bob.get(status(alice))).body.presence).toBe('unavailable')
  })

  it('is exchanged between a user that joins a room and its members, known or not', async () => {
    await alice.sync()
    await bob.sync()
    const room = await alice.createRoom({ preset: 'public_chat' })
    const [alices, bobs] = [(await alice.sync()).body.next_batch, (await bob.sync()).body.next_batch]
    must(await bob.join(room))
    await until(bob, bobs, alice, 'online')
    const { since } = await until(alice, alices, bob, 'online')
    expect(presenceOf(bob, (await alice.sync({ since })).body)).toBeUndefined()
  })

  it('can be filtered', async () => {
    const filter = JSON.stringify({ presence: { not_types: ['m.presence'] } })
    expect((await alice.sync({ filter })).body.presence).toBeUndefined()
  })

  it('is not for strangers', async () => {
    const stranger = await http.register(`stranger${users}`)
    await stranger.sync()
    await alice.sync()
    await settled(http)
    expect(presenceOf(alice, (await stranger.sync()).body)).toBeUndefined()
  })

  it('costs an empty poll nothing', async () => {
    const first = (await alice.sync()).body.next_batch
    const since = (await alice.sync({ since: first, timeout: 200 })).body.next_batch
    await settled(http)
    const before = await calls()
    await alice.sync({ since, timeout: 200 })
    const after = await calls()
    const changed = Object.keys(after).filter((name) => after[name] !== before[name])
    expect(changed).toEqual(['user.sync'])
    expect((after['user.sync'] ?? 0) - (before['user.sync'] ?? 0)).toBe(1)
  })

  it('ends for a user that vanishes, even if their object slept', async () => {
    const { next_batch } = (await bob.sync()).body
    const online = until(bob, next_batch, alice, 'online')
    await alice.sync()
    const { since } = await online
    await server.evict('USER', objectName.user('test.example', alice.userId))
    const gone = until(bob, since, alice, 'offline')
    await fault('presence:vanished', alice)
    await look(alice)
    expect((await gone).content.currently_active).toBe(false)
  })

  it('turns to unavailable for an idle user, and back when they do something', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    const { next_batch } = (await bob.sync()).body
    const online = until(bob, next_batch, alice, 'online')
    await alice.sync()
    const { since } = await online
    await fault('presence:idle', alice)
    await look(alice)
    const idle = await until(bob, since, alice, 'unavailable')
    await alice.say(room, 'back')
    expect((await until(bob, idle.since, alice, 'online')).content.currently_active).toBe(true)
  })
})

describe('the presence endpoints', () => {
  it('set and tell the user’s own, until the message is removed', async () => {
    await setTo(alice, { presence: 'online', status_msg: 'hello' })
    expect((await alice.get(status(alice))).body).toEqual({
      presence: 'online',
      status_msg: 'hello',
      last_active_ago: expect.any(Number),
      currently_active: true,
    })
    await setTo(alice, { presence: 'online' })
    expect((await alice.get(status(alice))).body.status_msg).toBeUndefined()
  })

  it('keep the message over an eviction', async () => {
    await setTo(alice, { presence: 'unavailable', status_msg: 'kept' })
    await server.evict('USER', objectName.user('test.example', alice.userId))
    expect((await bob.get(status(alice))).body).toMatchObject({ presence: 'unavailable', status_msg: 'kept' })
  })

  it('keep a user offline through syncs if they chose it', async () => {
    await alice.sync()
    await setTo(alice, { presence: 'offline' })
    await alice.sync()
    expect((await bob.get(status(alice))).body.presence).toBe('offline')
  })

  it('refuse strangers, and setting the presence of others', async () => {
    const stranger = await http.register(`stranger${users}`)
    const refused = await stranger.get(status(alice))
    expect([refused.status, refused.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    const other = await bob.put(status(alice), { presence: 'online' })
    expect([other.status, other.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
  })

  it.each([
    [{}, 'M_MISSING_PARAM'],
    [{ presence: 'asleep' }, 'M_INVALID_PARAM'],
    [{ presence: 7 }, 'M_BAD_JSON'],
    [{ presence: 'online', status_msg: 7 }, 'M_BAD_JSON'],
    [{ presence: 'online', status_msg: 'x'.repeat(1025) }, 'M_INVALID_PARAM'],
  ])('refuse %j', async (body, errcode) => {
    const answer = await alice.put(status(alice), body)
    expect([answer.status, answer.body.errcode]).toEqual([400, errcode])
  })
})

describe('presence switched off', () => {
  it('shows no user, and answers the default', async () => {
    const quiet = await startServer({ presence: 'off' })
    try {
      const carol = await api(quiet).register('carol')
      await setTo(carol, { presence: 'online', status_msg: 'hello' })
      expect((await carol.sync()).body.presence).toBeUndefined()
      expect((await carol.get(status(carol))).body).toEqual({ presence: 'offline' })
    } finally {
      await quiet.stop()
    }
  })
})
