/** Sliding sync: members come with what they send, and not again while the server remembers that. */
import { expect, it } from 'vitest'
import { type Body, must } from '../../../../support/client.ts'
import { serving } from '../../../../support/serving.ts'
import { allRooms, connection } from './connection.ts'

const { http, someone } = serving([], { staysAwake: 'an object that was out of memory sends members again' })

it('loads members with what they send, each once', async () => {
  const [alice, bob] = [await someone(), await someone()]
  const room = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(room))
  await alice.say(room, 'mine')
  const main = connection(http, alice)
  const members = async (body = allRooms()) =>
    ((await main.ask(body)).rooms[room]?.required_state ?? [])
      .filter(({ type }: Body) => type === 'm.room.member')
      .map(({ state_key }: Body) => state_key)
  expect(await members()).toEqual([alice.userId])
  await bob.say(room, 'one')
  expect(await members()).toEqual([bob.userId])
  await bob.say(room, 'two')
  expect(await members()).toEqual([])
})
