/** Unread counts in /sync: what notifies, what is read, and what they cost. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { passed, planFault, settled } from '../../../support/faults.ts'
import { objectName } from '../../../support/server.ts'
import { countedRoom, counts } from './counted-room.ts'

const { server, http, alice, bob, here, path, send, countsIn, fresh } = countedRoom()

const read = async (client: Client, eventId: string, body: Body = {}, type = 'm.read') =>
  must(await client.post(path(`receipt/${type}/${encodeURIComponent(eventId)}`), body))

const inThread = (root: string, body: string) => ({
  msgtype: 'm.text',
  body,
  'm.relates_to': { rel_type: 'm.thread', event_id: root },
})

const token = async (client: Client): Promise<string> => must(await client.sync()).body.next_batch

const pulls = async (): Promise<number> =>
  must(await http.request('GET', '/_selvedge/test/calls')).body['room.pull'] ?? 0

describe('unread counts', () => {
  it('travel with the event, and cost no pull', async () => {
    const since = await token(bob)
    const before = await pulls()
    const waiting = bob.sync({ since, timeout: 10_000 })
    await alice.say(here.room, 'one')
    const first = (await waiting).body
    expect(countsIn(first)).toEqual(counts(1))
    await alice.say(here.room, 'two')
    const second = must(await bob.sync({ since: first.next_batch, timeout: 10_000 })).body
    expect(countsIn(second)).toEqual(counts(2))
    expect(await pulls()).toBe(before)
    expect(await fresh()).toEqual(counts(2))
  })

  it('are the same when the Room counts after an eviction', async () => {
    const { next_batch } = (await bob.sync()).body
    await alice.say(here.room, 'one')
    await send(alice, { msgtype: 'm.text', body: 'bob!', 'm.mentions': { user_ids: [bob.userId] } })
    expect(countsIn((await bob.sync({ since: next_batch })).body)).toEqual(counts(2, 1))
    await server.evict('USER', objectName.user('test.example', bob.userId))
    await alice.say(here.room, 'three')
    expect(countsIn((await bob.sync({ since: next_batch })).body)).toEqual(counts(3, 1))
  })

  it.each(['m.read', 'm.read.private'])('are reset by %s alone, which wakes sync', async (type) => {
    const event = await alice.say(here.room, 'one')
    const first = (await bob.sync()).body
    expect(countsIn(first)).toEqual(counts(1))
    const waiting = bob.sync({ since: first.next_batch, timeout: 10_000 })
    await read(bob, event, {}, type)
    expect(countsIn((await waiting).body)).toEqual(counts(0))
  })

  it('are reset even if the client does not want to see receipts', async () => {
    const event = await alice.say(here.room, 'one')
    const filter = JSON.stringify({ room: { ephemeral: { not_types: ['m.receipt'] } } })
    const since = must(await bob.sync({ filter })).body.next_batch
    const waiting = bob.sync({ since, filter, timeout: 10_000 })
    await read(bob, event)
    const { body } = await waiting
    expect(countsIn(body)).toEqual(counts(0))
    expect(body.rooms.join[here.room].ephemeral.events).toEqual([])
  })

  it('have each event once where the answer to its wake was lost, and it comes again with the next', async () => {
    const since = await token(bob)
    await planFault(http, 'lose:user.wake')
    await alice.say(here.room, 'one')
    await passed(http, 'lose:user.wake')
    const first = must(await bob.sync({ since, timeout: 10_000 })).body
    expect(countsIn(first)).toEqual(counts(1))
    await alice.say(here.room, 'two')
    expect(countsIn((await bob.sync({ since: first.next_batch, timeout: 10_000 })).body)).toEqual(counts(2))
  })

  it('keep what came after the event that was read', async () => {
    const event = await alice.say(here.room, 'one')
    await alice.say(here.room, 'two')
    await token(bob)
    await read(bob, event)
    expect(await fresh()).toEqual(counts(1))
  })

  it('end at the user’s own event', async () => {
    await alice.say(here.room, 'one')
    const { next_batch } = (await bob.sync()).body
    await bob.say(here.room, 'seen')
    expect(countsIn((await bob.sync({ since: next_batch })).body)).toEqual(counts(0))
    expect(await fresh()).toEqual(counts(0))
  })

  it.each([
    ['m.read', 'm.read.private'],
    ['m.read.private', 'm.read'],
  ])('go by the further receipt, be it %s or %s', async (further, other) => {
    const [first, second] = [await alice.say(here.room, 'one'), await alice.say(here.room, 'two')]
    await alice.say(here.room, 'three')
    await token(bob)
    await read(bob, second, {}, further)
    await read(bob, first, {}, other)
    expect(await fresh()).toEqual(counts(1))
    await server.evict('USER', objectName.user('test.example', bob.userId))
    expect(await fresh()).toEqual(counts(1))
  })

  it('go only by the type if the event is encrypted', async () => {
    const since = await token(bob)
    const content = { algorithm: 'm.megolm.v1.aes-sha2', ciphertext: 'bob' }
    await send(alice, content, 'm.room.encrypted')
    expect(countsIn((await bob.sync({ since })).body)).toEqual(counts(1))
    expect(await fresh()).toEqual(counts(1))
  })

  it('include encrypted events in a muted room if MSC4028’s rule is on', async () => {
    must(await bob.put(`/pushrules/global/room/${encodeURIComponent(here.room)}`, { actions: [] }))
    const since = await token(bob)
    const on = '/pushrules/global/override/.org.matrix.msc4028.encrypted_event/enabled'
    must(await bob.put(on, { enabled: true }))
    await send(alice, { algorithm: 'm.megolm.v1.aes-sha2' }, 'm.room.encrypted')
    await alice.say(here.room, 'muted')
    const told = countsIn((await bob.sync({ since })).body)
    must(await bob.put(on, { enabled: false }))
    expect(told).toEqual(counts(1))
  })

  it('include a poll that starts or ends, but no vote', async () => {
    const since = await token(bob)
    for (const type of ['start', 'response', 'end']) await send(alice, {}, `org.matrix.msc3381.poll.${type}`)
    expect(countsIn((await bob.sync({ since })).body)).toEqual(counts(2))
    expect(await fresh()).toEqual(counts(2))
  })

  it('are zero while the master rule is on', async () => {
    const since = await token(bob)
    const master = '/pushrules/global/override/.m.rule.master/enabled'
    must(await bob.put(master, { enabled: true }))
    await alice.say(here.room, 'unheard')
    const told = countsIn((await bob.sync({ since })).body)
    must(await bob.put(master, { enabled: false }))
    expect(told).toEqual(counts(0))
  })

  it('begin at the join', async () => {
    const carol = await http.register(`carol${Math.floor(Math.random() * 1e9)}`)
    await alice.say(here.room, 'before')
    must(await carol.join(here.room))
    await alice.say(here.room, 'after')
    expect(await fresh(carol)).toEqual(counts(1))
  })

  it('leave out notices, edits, reactions and members', async () => {
    const since = await token(bob)
    const event = await send(alice, { msgtype: 'm.notice', body: 'beep' })
    const relation = (rel_type: string) => ({ 'm.relates_to': { rel_type, event_id: event, key: '👍' } })
    await send(alice, relation('m.annotation'), 'm.reaction')
    await send(alice, { msgtype: 'm.text', body: '* x', ...relation('m.replace') })
    must(await alice.put(path(`state/m.room.topic/`), { topic: 'x' }))
    expect(countsIn((await bob.sync({ since })).body)).toEqual(counts(0))
    expect(await fresh()).toEqual(counts(0))
  })

  it('highlight a room mention only if its sender may make one', async () => {
    const all = { msgtype: 'm.text', body: 'all', 'm.mentions': { room: true } }
    const [ofAlice, ofBob] = [await token(alice), await token(bob)]
    await send(bob, all)
    await send(alice, all)
    expect(countsIn((await alice.sync({ since: ofAlice })).body)).toEqual(counts(0))
    expect(countsIn((await bob.sync({ since: ofBob })).body)).toEqual(counts(1, 1))
    await send(bob, all)
    expect(await fresh(alice)).toEqual(counts(1, 0))
    const levels = must(await alice.get(path('state/m.room.power_levels/'))).body
    must(
      await alice.put(path('state/m.room.power_levels/'), {
        ...levels,
        users: { ...levels.users, [bob.userId]: 50 },
      }),
    )
    const since = await token(alice)
    await send(bob, all)
    expect(countsIn((await alice.sync({ since })).body)).toEqual(counts(1, 1))
    expect(await fresh(alice)).toEqual(counts(1, 1))
  })

  it('leave out what is redacted', async () => {
    const event = await alice.say(here.room, 'oops')
    await alice.say(here.room, 'fine')
    const since = await token(bob)
    must(await alice.put(path(`redact/${encodeURIComponent(event)}/r1`), {}))
    expect(countsIn((await bob.sync({ since })).body)).toEqual(counts(1))
    expect(await fresh()).toEqual(counts(1))
  })

  it('leave out ignored users', async () => {
    const since = await token(bob)
    const setting = `/user/${encodeURIComponent(bob.userId)}/account_data/m.ignored_user_list`
    must(await bob.put(setting, { ignored_users: { [alice.userId]: {} } }))
    await alice.say(here.room, 'unheard')
    expect(countsIn((await bob.sync({ since })).body) ?? counts(0)).toEqual(counts(0))
    expect(await fresh()).toEqual(counts(0))
    const carol = await http.register(`carol${Math.floor(Math.random() * 1e9)}`)
    must(await carol.join(here.room))
    const later = await token(bob)
    await alice.say(here.room, 'unheard as well')
    await carol.say(here.room, 'heard')
    expect(countsIn((await bob.sync({ since: later })).body)).toEqual(counts(1))
    must(await bob.put(setting, { ignored_users: {} }))
    expect(await fresh()).toEqual(counts(3))
  })

  it('fall silent in a muted room', async () => {
    await alice.say(here.room, 'one')
    const since = await token(bob)
    must(await bob.put(`/pushrules/global/room/${encodeURIComponent(here.room)}`, { actions: [] }))
    await alice.say(here.room, 'two')
    expect(countsIn((await bob.sync({ since })).body)).toEqual(counts(0))
  })
})

describe('counts by thread', () => {
  const filter = JSON.stringify({ room: { timeline: { unread_thread_notifications: true } } })
  const section = async (query: Body = {}) =>
    must(await bob.sync({ filter, ...query })).body.rooms.join[here.room]

  it('stand apart from the main timeline with the filter, and are one sum without it', async () => {
    const root = await alice.say(here.room, 'root')
    const { next_batch } = (await bob.sync({ filter })).body
    const reply = await send(alice, inThread(root, 'reply'))
    await send(alice, { ...inThread(root, 'hey'), 'm.mentions': { user_ids: [bob.userId] } })
    for (const shown of [await section({ since: next_batch }), await section()]) {
      expect(shown.unread_notifications).toEqual(counts(1))
      expect(shown.unread_thread_notifications).toEqual({ [root]: counts(2, 1) })
    }
    expect(await fresh()).toEqual(counts(3, 1))
    await read(bob, root, { thread_id: 'main' })
    await read(bob, reply, { thread_id: root })
    const left = await section()
    expect(left.unread_notifications).toEqual(counts(0))
    expect(left.unread_thread_notifications).toEqual({ [root]: counts(1, 1) })
    await server.evict('USER', objectName.user('test.example', bob.userId))
    expect((await section()).unread_thread_notifications).toEqual({ [root]: counts(1, 1) })
  })

  it('end at the user’s own event only in its thread', async () => {
    const root = await alice.say(here.room, 'root')
    await send(alice, inThread(root, 'reply'))
    const { next_batch: since } = (await bob.sync({ filter })).body
    await send(bob, inThread(root, 'seen'))
    for (const shown of [await section({ since }), await section()]) {
      expect(shown.unread_notifications).toEqual(counts(1))
      expect(shown.unread_thread_notifications).toBeUndefined()
    }
    await server.evict('USER', objectName.user(server.serverName, bob.userId))
    expect((await section()).unread_notifications).toEqual(counts(1))
    await bob.say(here.room, 'seen as well')
    expect((await section()).unread_notifications).toEqual(counts(0))
  })

  it('are all reset by an unthreaded receipt', async () => {
    const root = await alice.say(here.room, 'root')
    const reply = await send(alice, inThread(root, 'reply'))
    await token(bob)
    await read(bob, reply)
    const shown = await section()
    expect([shown.unread_notifications, shown.unread_thread_notifications]).toEqual([counts(0), undefined])
  })

  it('have the unstable name too', async () => {
    const root = await alice.say(here.room, 'root')
    await send(alice, inThread(root, 'reply'))
    const name = 'org.matrix.msc3773.unread_thread_notifications'
    const unstable = JSON.stringify({ room: { timeline: { [name]: true } } })
    expect((await section({ filter: unstable }))[name]).toEqual({ [root]: counts(1) })
  })

  it('follow relations to an event of a thread', async () => {
    const root = await alice.say(here.room, 'root')
    const reply = await send(alice, inThread(root, 'reply'))
    const since = await token(bob)
    await send(alice, {
      msgtype: 'm.text',
      body: 'about it',
      'm.relates_to': { rel_type: 'm.reference', event_id: reply },
    })
    await settled(http)
    expect((await section({ since })).unread_thread_notifications).toEqual({ [root]: counts(2) })
  })
})
