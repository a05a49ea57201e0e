/** Whose devices a client must look at again: `device_lists` of /sync. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must, testPassword } from '../../../support/client.ts'
import { held, planFault, waitingPoll } from '../../../support/faults.ts'
import { makeCrossSigning } from '../../../support/keys.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'
import { newKeys, together, token, untilChanged, untilLeft } from './sharers.ts'

const { server, http, someone } = serving()
const people = (count: number) => Promise.all(Array.from({ length: count }, someone))

describe('device_lists', () => {
  it('name a user with changed keys to those that share a room, in a waiting sync and in a later one', async () => {
    const [alice, bob, carol] = (await people(3)) as [Client, Client, Client]
    await together(alice, bob)
    const [ofBob, ofCarol] = [await token(bob), await token(carol)]
    const waiting = untilChanged(bob, ofBob, alice)
    await newKeys(alice)
    expect([...(await waiting).changed]).toEqual([alice.userId])
    await untilChanged(bob, ofBob, alice)
    expect(must(await carol.sync({ since: ofCarol })).body.device_lists).toBeUndefined()
  })

  it('survive a gap in the timeline, an eviction of all objects, and a kill', async () => {
    const [alice, bob] = (await people(2)) as [Client, Client]
    const room = await together(alice, bob)
    const since = await token(bob)
    await newKeys(alice)
    await untilChanged(bob, since, alice)
    for (let i = 0; i < 25; i += 1) await alice.say(room, `message ${i}`)
    await server.evict('ROOM', objectName.room(server.serverName, room))
    await server.evict('USER', objectName.user(server.serverName, bob.userId))
    const { body } = must(await bob.sync({ since }))
    expect(body.rooms.join[room].timeline.limited).toBe(true)
    expect(body.device_lists.changed).toContain(alice.userId)
    await server.restart()
    await untilChanged(bob, since, alice)
  })

  it('name the user to the user’s other device, even without any room', async () => {
    const [alice] = (await people(1)) as [Client]
    const second = await http.login(alice.userId)
    const since = await token(alice)
    const waiting = untilChanged(alice, since, alice)
    await newKeys(second)
    await waiting
    const later = await token(alice)
    must(await second.post('/logout'))
    await untilChanged(alice, later, alice)
  })

  it('name cross-signing keys and device names that change, and devices that come and go', async () => {
    const [alice, bob] = (await people(2)) as [Client, Client]
    const start = await token(bob)
    await together(alice, bob)
    await newKeys(alice)
    await untilChanged(bob, start, alice)
    let since = await token(bob)
    must(await alice.post('/keys/device_signing/upload', makeCrossSigning(alice.userId).body))
    await untilChanged(bob, since, alice)
    since = await token(bob)
    must(await alice.put(`/devices/${alice.deviceId}`, { display_name: 'Phone' }))
    await untilChanged(bob, since, alice)
    const second = await http.login(alice.userId)
    await newKeys(second)
    await untilChanged(bob, since, alice)
    since = await token(bob)
    must(await second.post('/logout'))
    await untilChanged(bob, since, alice)
  })

  it('name a device without keys when it is made or renamed', async () => {
    const [alice, bob] = (await people(2)) as [Client, Client]
    await together(alice, bob)
    let since = await token(bob)
    const second = await http.login(alice.userId)
    await untilChanged(bob, since, alice)
    since = await token(bob)
    must(await second.put(`/devices/${second.deviceId}`, { display_name: 'Bare' }))
    await untilChanged(bob, since, alice)
  })

  it('name a new user-signing key to its owner alone', async () => {
    const [alice, bob] = (await people(2)) as [Client, Client]
    await together(alice, bob)
    const start = await token(bob)
    const { user_signing_key, ...others } = makeCrossSigning(alice.userId).body
    must(await alice.post('/keys/device_signing/upload', others))
    await untilChanged(bob, start, alice)
    const told = async () => {
      const user = objectName.user(server.serverName, alice.userId)
      return (await server.sql('USER', user, 'SELECT 1 FROM room_jobs')).length === 0
    }
    await expect.poll(told).toBe(true)
    const [ofAlice, ofBob] = [await token(alice), await token(bob)]
    const auth = { type: 'm.login.password', user: alice.userId, password: testPassword }
    must(await alice.post('/keys/device_signing/upload', { user_signing_key, auth }))
    await untilChanged(alice, ofAlice, alice)
    await expect.poll(told).toBe(true)
    expect(must(await bob.sync({ since: ofBob })).body.device_lists).toBeUndefined()
  })

  it('name nobody that has left to a user that joins', async () => {
    const [alice, bob, carol] = (await people(3)) as [Client, Client, Client]
    const room = await together(alice, carol)
    must(await carol.post(`/rooms/${encodeURIComponent(room)}/leave`))
    const since = await token(bob)
    must(await bob.join(room))
    expect((await untilChanged(bob, since, alice)).changed).not.toContain(carol.userId)
  })

  it('name all members to a user that joins, and that user to all members', async () => {
    const [alice, bob] = (await people(2)) as [Client, Client]
    const [ofAlice, ofBob] = [await token(alice), await token(bob)]
    await together(alice, bob)
    await untilChanged(alice, ofAlice, bob)
    await untilChanged(bob, ofBob, alice)
  })

  it('name a user with keys that changed after the others, and before the user, were told of the join', async () => {
    const [alice, bob] = (await people(2)) as [Client, Client]
    const room = await together(alice)
    const since = await token(alice)
    await planFault(http, 'keep:user.membershipChanged')
    const joining = bob.join(room)
    await held(http, 'keep:user.membershipChanged')
    const { device_lists, next_batch } = must(await alice.sync({ since, timeout: 10_000 })).body
    expect(device_lists.changed).toEqual([bob.userId])
    await newKeys(bob)
    await planFault(http, 'keep:user.membershipChanged', 0)
    must(await joining)
    await untilChanged(alice, next_batch, bob)
  })

  it('tell a user that leaves the last shared room from a user that leaves one of two', async () => {
    const [alice, bob] = (await people(2)) as [Client, Client]
    const [one, two] = [await together(alice, bob), await together(alice, bob)]
    const [ofAlice, ofBob] = [await token(alice), await token(bob)]
    must(await bob.post(`/rooms/${encodeURIComponent(one)}/leave`))
    expect(must(await alice.sync({ since: ofAlice })).body.device_lists?.left ?? []).toEqual([])
    expect(must(await bob.sync({ since: ofBob })).body.device_lists?.left ?? []).toEqual([])
    must(await bob.post(`/rooms/${encodeURIComponent(two)}/leave`))
    const lists = await untilLeft(alice, ofAlice, bob)
    expect(lists.changed.has(bob.userId)).toBe(false)
    await untilLeft(bob, ofBob, alice)
  })

  it('tell that a user with new keys that then leaves is gone, in one answer and in two', async () => {
    const [alice, bob] = (await people(2)) as [Client, Client]
    const room = await together(alice, bob)
    const since = await token(alice)
    await newKeys(bob)
    must(await bob.post(`/rooms/${encodeURIComponent(room)}/leave`))
    const lists = await untilLeft(alice, since, bob)
    expect([...lists.changed]).not.toContain(bob.userId)
    const after = must(await alice.sync()).body.next_batch
    await newKeys(bob)
    must(await alice.sync({ since: after }))
    expect(must(await alice.sync({ since: after })).body.device_lists?.changed ?? []).toEqual([])
    must(await bob.join(room))
    await untilChanged(alice, after, bob)
  })

  it('name a user with changes in a hidden room, once, and do not lose the room', async () => {
    const [alice, bob] = (await people(2)) as [Client, Client]
    const room = await together(alice, bob)
    await alice.say(room, 'before')
    const filter = JSON.stringify({ room: { not_rooms: [room] } })
    const look = async (since?: string) =>
      must(await bob.sync({ filter, ...(since !== undefined && { since }) })).body
    const first = await look()
    expect(first.device_lists).toBeUndefined()
    await newKeys(alice)
    await alice.say(room, 'hidden')
    const changed = new Set<string>()
    let since: string = first.next_batch
    for (let i = 0; i < 20 && !changed.has(alice.userId); i += 1) {
      const { body } = must(await bob.sync({ since, filter, timeout: 500 }))
      expect(body.rooms).toBeUndefined()
      for (const userId of body.device_lists?.changed ?? []) changed.add(userId)
      since = body.next_batch
    }
    expect([...changed]).toEqual([alice.userId])
    // What was told is not told again, also where an object must be asked anew.
    since = (await look(since)).next_batch
    await server.evict('USER', objectName.user(server.serverName, bob.userId))
    expect((await look(since)).device_lists).toBeUndefined()
    const { body } = must(await bob.sync({ since }))
    const { timeline } = body.rooms.join[room]
    expect(timeline.events.map(({ content }: Body) => content.body)).toContain('hidden')
  })

  it('end a poll with a filter after an eviction, and the next one without it brings the rest', async () => {
    const [alice, bob] = (await people(2)) as [Client, Client]
    const room = await together(alice, bob)
    const filter = JSON.stringify({ room: { not_rooms: [room] } })
    const { next_batch: before } = must(await bob.sync({ filter })).body
    await alice.say(room, 'one')
    const { next_batch: since } = must(await bob.sync({ filter, since: before, timeout: 300 })).body
    const { answer: waiting } = await waitingPoll(http, bob, { filter, since })
    await server.evict('USER', objectName.user(server.serverName, bob.userId))
    await alice.say(room, 'two')
    await newKeys(alice)
    const { body } = must(await waiting)
    expect([body.device_lists.changed, body.rooms]).toEqual([[alice.userId], undefined])
    const { rooms } = must(await bob.sync({ since: body.next_batch })).body
    const said = JSON.stringify(rooms.join[room].timeline.events)
    for (const text of ['one', 'two']) expect(said).toContain(`"${text}"`)
  })

  it('name all members of a hidden room to a user that joins it, and the users that leave it', async () => {
    const [alice, bob] = (await people(2)) as [Client, Client]
    const filter = JSON.stringify({ room: { rooms: [] } })
    const { next_batch: since } = must(await bob.sync({ filter })).body
    const room = await together(alice, bob)
    const lists = { changed: new Set<string>(), left: new Set<string>() }
    const until = async (from: string, isDone: () => boolean): Promise<string> => {
      let next = from
      for (let i = 0; i < 20 && !isDone(); i += 1) {
        const { body } = must(await bob.sync({ since: next, filter, timeout: 500 }))
        for (const userId of body.device_lists?.changed ?? []) lists.changed.add(userId)
        for (const userId of body.device_lists?.left ?? []) lists.left.add(userId)
        next = body.next_batch
      }
      expect(isDone()).toBe(true)
      return next
    }
    const joined = await until(since, () => lists.changed.has(alice.userId))
    must(await bob.post(`/rooms/${encodeURIComponent(room)}/leave`))
    await until(joined, () => lists.left.has(alice.userId))
  })

  it('name users with changes in more hidden rooms than a token names, and come to an end', async () => {
    const [alice, bob] = (await people(2)) as [Client, Client]
    for (let i = 0; i < 40; i += 1) await together(alice, bob)
    const filter = JSON.stringify({ room: { rooms: [] } })
    let { next_batch: since } = must(await bob.sync({ filter })).body
    await newKeys(alice)
    let quiet = 0
    let told = 0
    for (let i = 0; i < 60 && quiet < 3; i += 1) {
      const { body } = must(await bob.sync({ since, filter, timeout: 300 }))
      const named: string[] = body.device_lists?.changed ?? []
      if (named.includes(alice.userId)) told += 1
      quiet = named.length === 0 ? quiet + 1 : 0
      since = body.next_batch
    }
    expect(told).toBeGreaterThan(0)
    expect(quiet).toBe(3)
  })

  it('are not in a first sync', async () => {
    const [alice, bob] = (await people(2)) as [Client, Client]
    await together(alice, bob)
    await newKeys(alice)
    expect(must(await bob.sync()).body.device_lists).toBeUndefined()
  })
})
