/** The consumer of the event stream: two members of a group share the work, and one goes on where another one stopped. */
import { beforeAll, expect, it } from 'vitest'
import { type Batch, GroupConsumer, type GroupConsumerOptions } from '../../clients/event-stream/index.ts'
import { newToken, textsIn } from '../event-stream/reader.ts'
import { eventually } from '../support/eventually.ts'
import { planFault } from '../support/faults.ts'
import { serving } from '../support/serving.ts'

const { server, http, alice } = serving(['alice'], { 'event-stream': 'on', presence: 'off' })
let token: string
const rooms: string[] = []

beforeAll(async () => {
  token = (await newToken(server, http)).token
  for (let n = 0; n < 6; n += 1) rooms.push(await alice.createRoom())
})

/** What a consumer has taken: texts by room, and the partitions they came by. */
class Taken {
  readonly byRoom = new Map<string, string[]>()
  readonly partitions = new Set<number>()

  take({ partition, records }: Batch): void {
    for (const { key, ...record } of records) {
      const texts = textsIn([record])
      if (texts.length > 0) this.partitions.add(partition)
      this.byRoom.set(key, [...(this.byRoom.get(key) ?? []), ...texts])
    }
  }

  texts(roomId: string): string[] {
    return this.byRoom.get(roomId) ?? []
  }
}

function memberOf(group: string, taken: Taken, more: Partial<GroupConsumerOptions> = {}) {
  const consumer = new GroupConsumer({
    url: server.url,
    token,
    group,
    topics: ['events'],
    leaseMs: 3_000,
    each: async (batch) => taken.take(batch),
    ...more,
  })
  return { consumer, done: consumer.run() }
}

async function sayInAll(count: number): Promise<Map<string, string[]>> {
  const said = new Map<string, string[]>()
  for (const roomId of rooms) {
    const texts = Array.from({ length: count }, (_, n) => `${n} of ${said.size} ${Math.random()}`)
    for (const text of texts) await alice.say(roomId, text)
    said.set(roomId, texts)
  }
  return said
}

it('a member takes every record of every partition, in the order of its room', async () => {
  const taken = new Taken()
  const { consumer, done } = memberOf('one', taken)
  const said = await sayInAll(4)
  for (const [roomId, texts] of said) {
    await eventually(
      () => taken.texts(roomId),
      (all) => all.includes(texts.at(-1)!),
    )
    expect(taken.texts(roomId).filter((text) => texts.includes(text))).toEqual(texts)
  }
  await consumer.stop()
  await done
})

it('two members share the partitions, and what one has left the other one takes', async () => {
  const [first, second] = [new Taken(), new Taken()]
  const one = memberOf('two', first, { from: 'latest' })
  const other = memberOf('two', second, { from: 'latest' })
  const groups = async () => {
    const { body } = await http.request('GET', '/_selvedge/stream', undefined, { token })
    return body.groups.find(({ group }: { group: string }) => group === 'two')
  }
  await eventually(groups, (group) => {
    const counts = group?.members.map(({ partitions }: { partitions: unknown[] }) => partitions.length) ?? []
    // Each partition's beginning has been committed by the member that has it.
    return counts.length === 2 && counts.every((n: number) => n === 8) && group.offsets.length === 16
  })
  const said = await sayInAll(3)
  const all = (roomId: string) => [...first.texts(roomId), ...second.texts(roomId)]
  for (const [roomId, texts] of said)
    await eventually(
      () => all(roomId),
      (got) => got.includes(texts.at(-1)!),
    )
  await one.consumer.stop()
  const more = await sayInAll(2)
  for (const [roomId, texts] of more)
    await eventually(
      () => second.texts(roomId),
      (got) => got.includes(texts.at(-1)!),
    )
  for (const [roomId, texts] of said) expect(all(roomId)).toEqual([...texts, ...(more.get(roomId) ?? [])])
  await other.consumer.stop()
  await Promise.all([one.done, other.done])
})

it('what its handler does not take comes again, and nothing after it before', async () => {
  const [roomId] = rooms as [string]
  const taken = new Taken()
  let refusals = 2
  const errors: unknown[] = []
  const { consumer, done } = memberOf('failing', taken, {
    limit: 3,
    from: 'latest',
    onError: (error) => errors.push(error),
    each: async (batch) => {
      if (textsIn(batch.records).length > 0 && refusals > 0) {
        refusals -= 1
        throw new Error('not now')
      }
      taken.take(batch)
    },
  })
  await eventually(
    async () => (await http.request('GET', '/_selvedge/stream', undefined, { token })).body.groups,
    (groups) => groups.find(({ group }: { group: string }) => group === 'failing')?.offsets.length === 16,
  )
  await planFault(http, 'drop:partition.read', 2)
  const texts = ['x', 'y', 'z'].map((name) => `${name} ${Math.random()}`)
  for (const text of texts) await alice.say(roomId, text)
  await eventually(
    () => taken.texts(roomId),
    (all) => all.includes(texts.at(-1)!),
  )
  expect(taken.texts(roomId)).toEqual(texts)
  expect(errors.length).toBeGreaterThan(0)
  await consumer.stop()
  await done
})

it('a token that is refused ends it', async () => {
  const { done } = memberOf('refused', new Taken(), { token: 'none' })
  await expect(done).rejects.toMatchObject({ status: 401, errcode: 'M_UNKNOWN_TOKEN' })
})
