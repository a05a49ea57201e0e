/** What the stream costs a room that talks: few calls of its partition, and none for what it has told. */
import { beforeAll, expect, it } from 'vitest'
import { must } from '../support/client.ts'
import { held, planFault, settled } from '../support/faults.ts'
import { serving } from '../support/serving.ts'
import { type Consumer, consumerOf, textsIn } from './reader.ts'

const { server, http, alice } = serving(['alice'], {
  'event-stream': 'on',
  presence: 'off',
  'archive-delay-ms': '3000',
})
let reader: Consumer
let roomId: string

async function calls(): Promise<number> {
  const counted = must(await http.request('GET', '/_selvedge/test/calls')).body
  return counted['partition.append'] ?? 0
}

async function say(...texts: string[]): Promise<void> {
  for (const text of texts) await alice.say(roomId, text)
}

const told = (...texts: string[]) =>
  reader.until('events', roomId, (all) => textsIn(all).join() === texts.join())

beforeAll(async () => {
  reader = await consumerOf(server, http)
  roomId = await alice.createRoom()
  await say('first')
  await told('first')
  await settled(http, 10_000)
})

it.each([[['first', 'alone']], [['first', 'alone', 'from memory']]])(
  'a message is one call, and the alarm that rings afterwards makes none: %s',
  async (texts) => {
    const before = await calls()
    await say(texts.at(-1)!)
    await told(...texts)
    await settled(http, 10_000)
    expect((await calls()) - before).toBe(1)
  },
)

it('what a room says while a call is under way goes together in few calls', async () => {
  const before = await calls()
  const more = Array.from({ length: 12 }, (_, n) => `more ${n}`)
  await planFault(http, 'hold:partition.append')
  await say('called')
  await held(http, 'hold:partition.append')
  await say(...more)
  await planFault(http, 'hold:partition.append', 0)
  await told('first', 'alone', 'from memory', 'called', ...more)
  expect((await calls()) - before).toBeLessThan(7)
})
