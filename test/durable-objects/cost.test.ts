/** What operations cost, counted: the budgets of the design, held by the counters of the adapters. */
import { beforeAll, describe, expect, it } from 'vitest'
import { api, type Client, must } from '../support/client.ts'
import { planFault, settled } from '../support/faults.ts'
import { objectName, startServer, type TestServer } from '../support/server.ts'
import { serving } from '../support/serving.ts'

const staysAwake = 'counts calls and rows'
const { server, http, alice, bob } = serving(['alice', 'bob'], { staysAwake })
/** The archive's own flush, for many changes at once, is no part of what is counted here. */
const { server: slow } = serving([], { 'archive-delay-ms': '600000', staysAwake })
let room: string

beforeAll(async () => {
  room = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(room))
  await alice.say(room, 'first')
})

type Counts = Record<string, number>

const counts = async (of: TestServer): Promise<Counts> =>
  must(await api(of).request('GET', '/_selvedge/test/calls')).body

/** What the work has cost, its after-work included. */
async function costOf(work: () => Promise<unknown>, of = server): Promise<Counts> {
  await settled(api(of))
  const before = await counts(of)
  await work()
  await settled(api(of))
  const after = await counts(of)
  const spent = Object.entries(after).map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
  // Rows read cost a thousandth of rows written, and how long timers held an object is its time: docs/cost.md counts both.
  return Object.fromEntries(spent.filter(([name, count]) => count !== 0 && !/rows_read$|^held\./.test(name)))
}

const sum = (cost: Counts, prefix: string) =>
  Object.entries(cost).reduce((total, [name, count]) => total + (name.startsWith(prefix) ? count : 0), 0)

/** Requests to objects: everything counted under their names but the rows. */
const objectRequests = (cost: Counts) => sum(cost, 'room.') + sum(cost, 'user.') - rows(cost)
const rows = (cost: Counts) => (cost['room.rows_written'] ?? 0) + (cost['user.rows_written'] ?? 0)

async function token(client: Client): Promise<string> {
  return must(await client.sync()).body.next_batch
}

describe('a sync', () => {
  it('that waits for nothing is one object request, and writes nothing', async () => {
    const since = await token(bob)
    await bob.sync({ since, timeout: 200 })
    const cost = await costOf(() => bob.sync({ since, timeout: 200 }))
    expect(cost).toEqual({ 'user.sync': 1 })
  })

  it('of one changed room is one object request, and writes nothing', async () => {
    const since = await token(bob)
    await alice.say(room, 'news')
    const cost = await costOf(async () => {
      const { body } = must(await bob.sync({ since }))
      expect(body.rooms.join[room].timeline.events).toHaveLength(1)
    })
    expect(cost).toEqual({ 'user.sync': 1 })
  })

  it('that finds its Room asleep gets an answer and no wake beside it', async () => {
    const sleeper = await api(slow).register('sleeper')
    const cold = await sleeper.createRoom()
    const since = await token(sleeper)
    await slow.evict('ROOM', objectName.room(slow.serverName, cold))
    await slow.evict('USER', objectName.user(slow.serverName, sleeper.userId))
    const cost = await costOf(() => sleeper.sync({ since }), slow)
    expect(cost).toMatchObject({ 'user.sync': 1, 'room.pull': 1 })
    expect(cost['user.wake']).toBeUndefined()
  })
})

describe('a message', () => {
  it('costs its send, a wake for each user that is awake, six rows and no Redis', async () => {
    for (const awake of [alice, bob]) await token(awake)
    await alice.say(room, 'warm')
    const cost = await costOf(() => alice.say(room, 'counted'))
    expect(objectRequests(cost)).toBe(3)
    expect(cost).toMatchObject({ 'room.send': 1, 'user.wake': 2 })
    expect(rows(cost)).toBeLessThanOrEqual(6)
    expect(sum(cost, 'redis')).toBe(0)
  })

  it('costs one wake for a user that looked and went away, and then nothing', async () => {
    const other = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(other))
    await token(bob)
    await alice.say(other, 'warm')
    await planFault(http, 'user:idle')
    const first = await costOf(() => alice.say(other, 'one'))
    const second = await costOf(() => alice.say(other, 'two'))
    expect([first['user.wake'], second['user.wake']]).toEqual([1, undefined])
    expect(rows(first)).toBeLessThanOrEqual(9)
  })

  it('costs nothing for a user that sleeps', async () => {
    const other = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(other))
    const cost = await costOf(() => alice.say(other, 'unheard'))
    expect(objectRequests(cost)).toBe(1)
  })
})

describe('a login', () => {
  it('is one object request, three rows, two Redis commands and one request to Postgres', async () => {
    await api(slow).register('bob')
    const cost = await costOf(() => api(slow).login('bob'), slow)
    expect(objectRequests(cost)).toBe(1)
    expect(rows(cost)).toBeLessThanOrEqual(3)
    expect(sum(cost, 'redis')).toBeLessThanOrEqual(2)
    expect(sum(cost, 'postgres')).toBe(1)
  })
})

describe('a session', () => {
  const looked = (of: TestServer, client: Client) => async () => {
    must(await api(of).request('POST', '/_selvedge/test/faults', { name: 'session:not-believed', count: 1 }))
    must(await client.get('/account/whoami'))
  }

  it('is looked up by one object request, and no Redis', async () => {
    const cost = await costOf(looked(server, alice))
    expect(cost).toEqual({ 'user.checkSession': 1 })
  })

  it('that ends writes nothing for Redis', async () => {
    const other = await http.login('alice')
    const cost = await costOf(() => other.post('/logout'))
    expect(sum(cost, 'redis')).toBe(0)
    const user = objectName.user(server.serverName, alice.userId)
    expect(await server.sql('USER', user, 'SELECT session_id FROM revoked')).toEqual([])
  })

  it('has a copy in Redis by choice, whose look-up is one command', async () => {
    const copying = await startServer({ 'session-cache': 'redis', staysAwake: 'counts calls and rows' })
    const carol = await api(copying).register('carol')
    await looked(copying, carol)()
    expect(await costOf(looked(copying, carol), copying)).toEqual({ redis: 1, redis_commands: 1 })
    await copying.stop()
  })
})
