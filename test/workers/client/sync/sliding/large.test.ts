/** Sliding sync: more than one answer, or one object, can hold. */
import { expect, it } from 'vitest'
import { type Body, must } from '../../../../support/client.ts'
import { serving } from '../../../../support/serving.ts'
import { allRooms, connection } from './connection.ts'

const { http, someone } = serving()

const at = (id: string, rest: string) => `/rooms/${encodeURIComponent(id)}/${rest}`

it('gives the whole state of a room that is more than an object holds', async () => {
  const alice = await someone()
  const room = await alice.createRoom()
  const keys = Array.from({ length: 40 }, (_, n) => `k${n}`)
  for (const key of keys)
    must(await alice.put(at(room, `state/org.example.large/${key}`), { text: 'x'.repeat(50_000) }))
  const main = connection(http, alice)
  const { rooms } = await main.ask(allRooms(0, { required_state: [['*', '*']] }))
  const ids = (events: Body[]) => events.map(({ event_id }) => event_id).sort()
  const state = must(await alice.get(at(room, 'state'))).body
  expect(ids(rooms[room].required_state)).toEqual(ids(state))
})

it('gives all rooms of a wide list in several answers, each of which an object holds', async () => {
  const alice = await someone()
  const made: string[] = []
  for (let n = 0; n < 16; n += 1) {
    const room = await alice.createRoom()
    made.push(room)
    for (let m = 0; m < 14; m += 1)
      must(
        await alice.put(at(room, `send/m.room.message/${n}.${m}`), {
          body: 'x'.repeat(60_000),
          msgtype: 'm.text',
        }),
      )
  }
  const main = connection(http, alice)
  const seen: string[] = []
  let answers = 0
  while (seen.length < made.length) {
    const { rooms, lists } = await main.ask(allRooms(999, { timeline_limit: 20 }))
    expect(lists.all.count).toBe(made.length)
    expect(JSON.stringify(rooms).length).toBeLessThan(16_000_000)
    seen.push(...Object.keys(rooms))
    answers += 1
  }
  expect(answers).toBeGreaterThan(1)
  expect(seen.sort()).toEqual(made.sort())
  expect((await main.ask(allRooms(999, { timeline_limit: 20 }))).rooms).toEqual({})
})

it('takes a request of many different lists, and refuses one that is too long', async () => {
  const alice = await someone()
  const room = await alice.createRoom()
  const main = connection(http, alice)
  const asked = (elements: number) => ({
    lists: Object.fromEntries(
      Array.from({ length: 100 }, (_, n) => [
        `list${n}`,
        {
          ranges: [[0, 9]],
          timeline_limit: n,
          required_state: Array.from({ length: elements }, (_, m) => [`org.example.of.list.${n}.${m}`, '']),
        },
      ]),
    ),
  })
  expect(Object.keys((await main.ask(asked(12))).rooms)).toEqual([room])
  expect((await main.ask(asked(12))).lists.list99.count).toBe(1)
  expect((await main.lose(asked(100))).body.errcode).toBe('M_TOO_LARGE')
})
