/** A partition knows what it has of each source. A delivery that comes again or late adds only what is new. */
import { beforeEach, expect, it } from 'vitest'
import { must } from '../support/client.ts'
import { objectName } from '../support/server.ts'
import { serving } from '../support/serving.ts'
import { type Consumer, consumerOf } from './reader.ts'

const PARTITION = 3
const { server, http } = serving([], { 'event-stream': 'on' })
let reader: Consumer
let source: string
let sources = 0

beforeEach(async () => {
  reader = await consumerOf(server, http)
  sources += 1
  source = `!source-${sources}:example.org`
})

/** Tells the places from one to another, both included. */
async function tell(from: number, upTo: number): Promise<void> {
  const records = Array.from({ length: upTo - from + 1 }, (_, n) => ({
    pos: from + n,
    topic: 'events',
    body: `{"position":${from + n}}`,
  }))
  const body = { partition: PARTITION, source, upTo, records }
  must(await http.request('POST', '/_selvedge/test/append', body))
}

async function positions(): Promise<number[]> {
  const all = await reader.all('events', PARTITION)
  return all.filter(({ key }) => key === source).map(({ position }) => position)
}

const sleep = () => server.evict('PARTITION', objectName.partition(server.serverName, PARTITION))

it('that comes again changes nothing', async () => {
  await tell(1, 2)
  await tell(1, 2)
  expect(await positions()).toEqual([1, 2])
})

it('that comes again after the partition has slept changes nothing', async () => {
  await tell(1, 2)
  await sleep()
  await tell(1, 2)
  expect(await positions()).toEqual([1, 2])
})

it('that comes after a later one takes nothing back of what the partition knows', async () => {
  await tell(1, 2)
  await tell(3, 4)
  await tell(1, 2)
  await tell(3, 4)
  expect(await positions()).toEqual([1, 2, 3, 4])
})

it('that overlaps with one before adds what is new, after the partition has slept too', async () => {
  await tell(1, 3)
  await tell(2, 5)
  await sleep()
  await tell(4, 6)
  expect(await positions()).toEqual([1, 2, 3, 4, 5, 6])
})

it('is read together with the one before, up to the limit', async () => {
  const { next_offset: offset } = must(await reader.read('events', PARTITION, { offset: 'latest' })).body
  await tell(1, 2)
  await tell(3, 5)
  const { records } = must(await reader.read('events', PARTITION, { offset, limit: 3 })).body
  expect(records.map(({ position }: { position: number }) => position)).toEqual([1, 2, 3])
})
