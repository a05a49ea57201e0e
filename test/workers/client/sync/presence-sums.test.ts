/** Presence told in sums: what a crowd costs, and that nobody misses or mistakes a state for it. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must, silence } from '../../../support/client.ts'
import { eventually } from '../../../support/eventually.ts'
import { held, passed, planFault, settled } from '../../../support/faults.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http } = serving([], { staysAwake: 'what is known of others’ presence lives in memory' })
let registered = 0

const calls = async (): Promise<Record<string, number>> =>
  must(await http.request('GET', '/_selvedge/test/calls')).body

/** New people in as many rooms of their own, all of them in each. */
async function peopleIn(rooms: number, size: number): Promise<{ people: Client[]; rooms: string[] }> {
  const all: Client[] = []
  for (let n = 0; n < size; n += 1) all.push(await http.register(`person${++registered}`))
  const roomIds: string[] = []
  for (let n = 0; n < rooms; n += 1) {
    const roomId = await all[0]!.createRoom({ preset: 'public_chat' })
    for (const one of all.slice(1)) must(await one.join(roomId))
    roomIds.push(roomId)
  }
  return { people: all, rooms: roomIds }
}

/** Listen without being there: their syncs say nothing of them. Answers where they stand once all is told. */
async function listen(...clients: Client[]): Promise<string[]> {
  const sync = async (client: Client): Promise<string> =>
    must(await client.sync({ set_presence: 'offline' })).body.next_batch
  await Promise.all(clients.map(sync))
  await settled(http)
  return Promise.all(clients.map(sync))
}

const setTo = async (client: Client, presence: string, status_msg?: string) =>
  must(await client.put(`/presence/${encodeURIComponent(client.userId)}/status`, { presence, status_msg }))

/** What a sync tells of others, by their ids. */
const told = ({ presence }: Body): Record<string, Body> =>
  Object.fromEntries((presence?.events ?? []).map(({ sender, content }: Body) => [sender, content]))

/** What a client hears, poll after poll, until it has heard what is wanted; and how many answers told of it. */
async function hears(client: Client, since: string, isWanted: (heard: Record<string, Body>) => boolean) {
  const heard: Record<string, Body> = {}
  let token = since
  let answers = 0
  const poll = async () => {
    const { body } = must(await client.sync({ since: token, timeout: 2_000, set_presence: 'offline' }))
    if (body.presence !== undefined) answers += 1
    token = body.next_batch
    return isWanted(Object.assign(heard, told(body)))
  }
  await eventually(poll, (is) => is)
  return { heard, since: token, answers }
}

/** Lets the kept copy of a call go, and waits until all that follows from it is done. */
async function letCopyGo(operation: string): Promise<void> {
  await planFault(http, `copied:${operation}`)
  await planFault(http, `copy:${operation}`, 0)
  await passed(http, `copied:${operation}`)
  await settled(http)
}

describe('a crowd that comes at once', () => {
  it('costs one call a membership, and one a second for each member that listens', async () => {
    const { people, rooms } = await peopleIn(2, 30)
    const tokens = await listen(...people)
    const before = await calls()
    const begun = Date.now()
    for (const one of people) await setTo(one, 'online')
    await settled(http)
    const seconds = (Date.now() - begun) / 1_000
    const after = await calls()
    const spent = (name: string) => (after[name] ?? 0) - (before[name] ?? 0)
    const memberships = people.length * rooms.length
    expect(spent('room.announce')).toBe(memberships)
    // One call for each pair would be 870 for each room.
    expect(spent('user.hearPresences')).toBeLessThanOrEqual(memberships * (seconds + 2))
    const { body } = must(await people[7]!.sync({ since: tokens[7]!, set_presence: 'offline' }))
    expect(Object.keys(told(body)).toSorted()).toEqual(people.map(({ userId }) => userId).toSorted())
  }, 120_000)

  it('is told to a waiting user once a second, however many rooms tell it', async () => {
    const watcher = await http.register('watcher')
    const others: Client[] = []
    for (let n = 0; n < 16; n += 1) {
      const { people, rooms } = await peopleIn(1, 1)
      must(await watcher.join(rooms[0]!))
      others.push(...people)
    }
    const [since] = (await listen(watcher)) as [string]
    const begun = Date.now()
    const areThere = (heard: Record<string, Body>) =>
      others.every(({ userId }) => heard[userId]?.presence === 'online')
    const hearing = hears(watcher, since, areThere)
    for (const one of others) await setTo(one, 'online')
    const { answers } = await hearing
    expect(answers).toBeLessThanOrEqual((Date.now() - begun) / 1_000 + 2)
  }, 120_000)
})

describe('a state', () => {
  it('that several rooms tell is news once', async () => {
    const { people } = await peopleIn(2, 2)
    const [alice, bob] = people as [Client, Client]
    const [since] = (await listen(bob)) as [string]
    await planFault(http, 'copy:user.hearPresences')
    await setTo(alice, 'unavailable', 'once')
    await held(http, 'copy:user.hearPresences')
    const first = await hears(bob, since, (heard) => heard[alice.userId] !== undefined)
    await letCopyGo('user.hearPresences')
    const { body } = must(await bob.sync({ since: first.since, set_presence: 'offline' }))
    expect(body).toEqual(silence(first.since))
  })

  it('that comes after a newer one is not shown', async () => {
    const { people } = await peopleIn(2, 2)
    const [alice, bob] = people as [Client, Client]
    const [since] = (await listen(bob)) as [string]
    await planFault(http, 'copy:user.hearPresences')
    await setTo(alice, 'unavailable', 'first')
    await held(http, 'copy:user.hearPresences')
    await setTo(alice, 'unavailable', 'second')
    const second = await hears(bob, since, (heard) => heard[alice.userId]?.status_msg === 'second')
    await letCopyGo('user.hearPresences')
    const { body } = must(await bob.sync({ since: second.since, set_presence: 'offline' }))
    expect(body).toEqual(silence(second.since))
  })

  it('that is found in an evicted Room reaches the newcomer that asks', async () => {
    const { people, rooms } = await peopleIn(1, 3)
    const [alice, bob, carol] = people as [Client, Client, Client]
    await listen(alice, bob)
    await setTo(alice, 'online', 'before the eviction')
    await settled(http)
    await server.evict('ROOM', objectName.room(server.serverName, rooms[0]!))
    const before = (await calls())['user.hearPresences'] ?? 0
    const { body } = must(await carol.sync())
    const first = told(body)[alice.userId]
    expect(first).toBeUndefined()
    const { heard } = await hears(carol, body.next_batch, (all) => all[alice.userId] !== undefined)
    expect(heard[alice.userId]).toMatchObject({ presence: 'online', status_msg: 'before the eviction' })
    await settled(http)
    // Alice and Bob of Carol, whom they answer, and Carol of Alice: the other two have heard of each other before.
    expect((await calls())['user.hearPresences']).toBe(before + 3)
  })

  it('that a Room hears after a newer one is not told to newcomers', async () => {
    const { people } = await peopleIn(1, 3)
    const [alice, bob, carol] = people as [Client, Client, Client]
    const [, since] = (await listen(alice, bob)) as [string, string]
    await planFault(http, 'copy:room.announce')
    await setTo(alice, 'unavailable', 'first')
    await held(http, 'copy:room.announce')
    await setTo(alice, 'unavailable', 'second')
    await hears(bob, since, (heard) => heard[alice.userId]?.status_msg === 'second')
    await letCopyGo('room.announce')
    expect(told(must(await carol.sync()).body)[alice.userId]?.status_msg).toBe('second')
  })

  it('that could not be told is told with the next news', async () => {
    const { people } = await peopleIn(1, 3)
    const [alice, bob, carol] = people as [Client, Client, Client]
    const [since] = (await listen(bob)) as [string]
    await planFault(http, 'drop:user.hearPresences')
    await setTo(alice, 'unavailable', 'lost')
    await passed(http, 'drop:user.hearPresences')
    await setTo(carol, 'unavailable')
    const { heard } = await hears(bob, since, (all) => all[carol.userId]?.presence === 'unavailable')
    expect(heard[alice.userId]?.status_msg).toBe('lost')
  })

  it('is not told to users that have left the room', async () => {
    const { people, rooms } = await peopleIn(1, 3)
    const [alice, bob, carol] = people as [Client, Client, Client]
    const [, carols] = (await listen(bob, carol)) as [string, string]
    must(await bob.post(`/rooms/${encodeURIComponent(rooms[0]!)}/leave`))
    await settled(http)
    const since = must(await bob.sync({ set_presence: 'offline' })).body.next_batch
    await setTo(alice, 'unavailable')
    await hears(carol, carols, (heard) => heard[alice.userId] !== undefined)
    await settled(http)
    const { body } = must(await bob.sync({ since, set_presence: 'offline' }))
    expect(body).toEqual(silence(since))
  })

  it('of a suspended user is that they are gone', async () => {
    const { people } = await peopleIn(1, 3)
    const [alice, bob, carol] = people as [Client, Client, Client]
    const admin = await http.register('admin')
    await server.pg("update accounts set admin = true where localpart = 'admin'")
    const [, since] = (await listen(alice, bob)) as [string, string]
    await setTo(alice, 'online')
    const online = await hears(bob, since, (heard) => heard[alice.userId]?.presence === 'online')
    must(await admin.put(`/_matrix/client/v1/admin/suspend/${alice.userId}`, { suspended: true }))
    // Each call that tells a user is answered with the user's own state.
    await setTo(carol, 'unavailable')
    await hears(bob, online.since, (heard) => heard[alice.userId]?.presence === 'offline')
  })
})
