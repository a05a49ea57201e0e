/** What private receipts cost: one wake, and nobody else’s increments. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Client, must } from '../../../support/client.ts'
import { settled } from '../../../support/faults.ts'
import { serving } from '../../../support/serving.ts'

const { http, alice, bob } = serving(['alice', 'bob'], { presence: 'off', staysAwake: 'it counts calls' })
let room: string
beforeEach(async () => {
  room = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(room))
})

const read = (client: Client, type: string, eventId: string) =>
  client.post(`/rooms/${encodeURIComponent(room)}/receipt/${type}/${encodeURIComponent(eventId)}`)
const token = async (client: Client): Promise<string> => must(await client.sync()).body.next_batch

describe('a receipt', () => {
  it('that is private costs one wake, to its own user', async () => {
    const event = await alice.say(room, 'one')
    await token(alice)
    await token(bob)
    const wakes = async () => must(await http.request('GET', '/_selvedge/test/calls')).body['user.wake'] ?? 0
    await settled(http)
    const before = await wakes()
    must(await read(bob, 'm.read.private', event))
    await settled(http)
    expect((await wakes()) - before).toBe(1)
  })

  it('that is private breaks no chain: the next message still comes with the wake', async () => {
    const event = await alice.say(room, 'one')
    const since = await token(alice)
    must(await read(bob, 'm.read.private', event))
    await bob.say(room, 'two')
    const calls = async () => must(await http.request('GET', '/_selvedge/test/calls')).body['room.pull'] ?? 0
    await settled(http)
    const before = await calls()
    const { body } = must(await alice.sync({ since }))
    expect(body.rooms.join[room].timeline.events).toHaveLength(1)
    expect(await calls()).toBe(before)
  })
})
