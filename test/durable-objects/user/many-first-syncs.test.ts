/** Many clients that come at once, and one that only wants to know what is new. */
import { beforeAll, expect, it } from 'vitest'
import { type Client, must } from '../../support/client.ts'
import { passed, planFault } from '../../support/faults.ts'
import { objectName } from '../../support/server.ts'
import { serving } from '../../support/serving.ts'

const CLIENTS = 15
const ROOMS = 10
/** What each of them asked at once if they did not share a bound. */
const AT_ONCE = 6
const HELD = 'hold:room.pull'
/** Fewer than the bound: the others are asked meanwhile. */
const ADMITTED = 4

const { server, http, alice, bob, someone } = serving(['alice', 'bob'], {
  staysAwake: 'it counts pulls',
  bindings: { ROOMS_ASKED_AT_ONCE: '8' },
})
const crowd: Client[] = []

beforeAll(async () => {
  while (crowd.length < CLIENTS) crowd.push(await someone())
  for (let n = 0; n < ROOMS; n += 1) {
    const room = await alice.createRoom({ preset: 'public_chat' })
    await Promise.all(crowd.map(async (client) => must(await client.join(room))))
  }
}, 120_000)

const pulls = async () => must(await http.request('GET', '/_selvedge/test/calls')).body['room.pull'] ?? 0

it('a sync of one changed room does not wait for the first syncs of many', async () => {
  const room = await alice.createRoom({ invite: [bob.userId] })
  must(await bob.join(room))
  const since = must(await bob.sync()).body.next_batch
  const message = await alice.say(room, 'news')
  // The wake brought the message: the new incarnation has to ask the Room for it.
  await server.evict('USER', objectName.user(server.serverName, bob.userId))
  const before = await pulls()
  await planFault(http, HELD, ADMITTED)
  const firsts = Promise.all(crowd.map((client) => client.sync()))
  await passed(http, HELD)

  const { body } = must(await bob.sync({ since }))
  const asked = (await pulls()) - before
  expect(body.rooms.join[room].timeline.events).toMatchObject([{ event_id: message }])
  expect(asked).toBeLessThan(CLIENTS * AT_ONCE)

  await planFault(http, HELD, 0)
  for (const answer of await firsts) expect(Object.keys(must(answer).body.rooms.join)).toHaveLength(ROOMS)
})
