/** Clients that close their connections while they wait: nothing is kept for them, and the others go on. */
import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { type Client, must, type Query } from '../support/client.ts'
import { eventually } from '../support/eventually.ts'
import { waitingPoll, waitingRequests } from '../support/faults.ts'
import { serving } from '../support/serving.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'], {
  presence: 'off',
  staysAwake: 'an object with sockets that overlap takes 15 s to leave the memory',
})

/** Elsewhere nothing tells that a client has gone. */
const tellsOfClosed = existsSync('/proc/net/tcp')

/** Begins a request on a connection of its own; answers what closes that. */
function waitingOn({ token }: Client, path: string, query: Query): () => void {
  const url = new URL(`/_matrix/client/v3${path}`, server.url)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value))
  const asked = request(url, { agent: false, headers: { authorization: `Bearer ${token}` } })
  asked.on('error', () => {})
  asked.on('response', (answer) => answer.resume())
  asked.end()
  return () => asked.destroy()
}

const waiting = () => waitingRequests(server.url)

const isCount = (wanted: number) => (count: number) => count === wanted
const nextBatch = async (client: Client): Promise<string> => must(await client.sync()).body.next_batch

describe.runIf(tellsOfClosed)('a client that has closed its connection', () => {
  it('leaves no poll behind, and the polls of others go on waiting', async () => {
    const roomId = await alice.createRoom({ invite: [bob.userId] })
    must(await bob.join(roomId))
    const { answer } = await waitingPoll(http, bob, { since: await nextBatch(bob) })
    const close = waitingOn(alice, '/sync', { timeout: 60_000, since: await nextBatch(alice) })
    await eventually(waiting, isCount(2))
    close()
    await eventually(waiting, isCount(1))
    await alice.say(roomId, 'still there')
    expect((await answer).body.rooms.join[roomId].timeline.events).toHaveLength(1)
    expect(await waiting()).toBe(0)
  })

  it('leaves no look into a room behind', async () => {
    const roomId = await alice.createRoom({
      initial_state: [
        { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } },
      ],
    })
    const close = waitingOn(bob, '/events', { timeout: 30_000, room_id: roomId })
    await eventually(waiting, isCount(1))
    close()
    await eventually(waiting, isCount(0))
  })
})

it('a device has at most three looks into a room', async () => {
  const roomId = await alice.createRoom({
    initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } }],
  })
  const look = () => bob.get('/events', { timeout: 30_000, room_id: roomId })
  const looks = []
  for (let n = 1; n <= 3; n += 1) {
    looks.push(look())
    await eventually(waiting, isCount(n))
  }
  looks.push(look())
  expect(must(await looks[0]!).body.chunk).toEqual([])
  expect(await waiting()).toBe(3)
  await alice.say(roomId, 'seen by three')
  for (const answer of looks.slice(1)) expect((await answer).body.chunk).toHaveLength(1)
})

describe('fifty clients that give up their polls again and again, most of one device', () => {
  it('do not disturb the sends and polls of others, and few requests wait', async () => {
    const ROUNDS = 20
    const crowd = await http.register('crowd')
    const loners = await Promise.all(Array.from({ length: 10 }, (_, n) => http.register(`loner${n}`)))
    const clients = [...Array<Client>(40).fill(crowd), ...loners]
    const tokens = await Promise.all([crowd, ...loners].map(nextBatch))
    const since = (client: Client) => tokens[1 + loners.indexOf(client)]!
    const roomId = await alice.createRoom({ invite: [bob.userId] })
    must(await bob.join(roomId))
    let token = await nextBatch(bob)
    for (let round = 0; round < ROUNDS; round += 1) {
      const closes = clients.map((client) =>
        waitingOn(client, '/sync', { timeout: 60_000, since: since(client) }),
      )
      const { answer } = await waitingPoll(http, bob, { since: token })
      await alice.say(roomId, `round ${round}`)
      const { next_batch, rooms } = must(await answer).body
      expect(rooms.join[roomId].timeline.events.map(({ content }: never) => content)).toEqual([
        { msgtype: 'm.text', body: `round ${round}` },
      ])
      token = next_batch
      for (const close of closes) close()
    }
    // Three of the one device and of each of the ten wait at most, and in the end none whose client is seen to have gone.
    await eventually(waiting, (count) => count <= (tellsOfClosed ? 0 : 33))
  }, 120_000)
})
