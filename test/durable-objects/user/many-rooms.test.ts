/** A user of more rooms than one object may ask by itself. */
import { beforeAll, expect, it } from 'vitest'
import { type Body, must, silence } from '../../support/client.ts'
import { serving } from '../../support/serving.ts'

const ROOMS = 130

// Its stop fails the file where an invocation passed the platform's limits.
const { server, alice } = serving(['alice'])
let rooms: string[]

beforeAll(async () => {
  rooms = []
  while (rooms.length < ROOMS) {
    rooms.push(...(await Promise.all(Array.from({ length: 10 }, () => alice.createRoom()))))
  }
}, 240_000)

const joined = (body: Body) => Object.keys(body.rooms?.join ?? {}).sort()

it('is shown all of them by the first sync, and none of them by the next', async () => {
  const { body } = must(await alice.sync())
  expect(joined(body)).toEqual([...rooms].sort())
  // More rooms than a tail may name: the token stands on a snapshot of its own.
  expect(body.next_batch).not.toContain('~')
  expect(must(await alice.sync({ since: body.next_batch })).body).toEqual(silence(body.next_batch))
})

it('is shown those that changed after an absence', async () => {
  const since = must(await alice.sync()).body.next_batch
  const changed = rooms.slice(0, 110).sort()
  for (const room of changed) await alice.say(room, 'news')
  await server.evict('USER', `${server.serverName}/user/${alice.userId}`)
  const { body } = must(await alice.sync({ since }))
  expect(joined(body)).toEqual(changed)
  for (const room of changed) expect(body.rooms.join[room].timeline.events).toHaveLength(1)
})
