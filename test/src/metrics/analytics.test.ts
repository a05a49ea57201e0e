/** Counts of several isolates, as they meet in Analytics Engine: what is written, when, and what is made of the sums. */
import { beforeEach, describe, expect, it } from 'vitest'
import { analyticsEngine, type Dataset, sumsQuery } from '../../../src/metrics/analytics.ts'
import { Registry } from '../../../src/metrics/registry.ts'
import type { GatheredMetrics } from '../../../src/ports/metrics.ts'
import { standingClock, type TestClock } from '../../support/world.ts'

interface Point {
  index: string
  blobs: string[]
  doubles: number[]
}

let clock: TestClock
let points: Point[]
let rings: (() => void)[]
let answer: () => Response
let asked: { url: string; body: string; authorization: string | null }[]

beforeEach(() => {
  clock = standingClock()
  points = []
  rings = []
  asked = []
  answer = () => Response.json({ data: [] })
})

/** One more isolate that writes into the same dataset. */
function isolate(): { registry: Registry; gathered: GatheredMetrics } {
  const registry = new Registry()
  const dataset: Dataset = {
    writeDataPoint({ indexes, blobs, doubles }) {
      points.push({ index: String(indexes[0]), blobs, doubles })
    },
  }
  const gathered = analyticsEngine({
    dataset,
    registry,
    clock,
    sleep: () => new Promise((resolve) => rings.push(resolve)),
    query: {
      api: 'https://api.example',
      account: 'a'.repeat(32),
      token: 'secret',
      dataset: 'selvedge',
      fetch: async (input, init) => {
        const { headers, body } = init ?? {}
        asked.push({
          url: String(input),
          body: String(body),
          authorization: new Headers(headers as HeadersInit).get('authorization'),
        })
        return answer()
      },
    },
  })
  return { registry, gathered }
}

const event = (registry: Registry, n = 1) => registry.count('events_appended_total', {}, n)
const sum = () => points.reduce((total, { doubles }) => total + doubles[0]!, 0)

it('two isolates write what each has counted since, so that a sum is of both', () => {
  const [one, other] = [isolate(), isolate()]
  event(one.registry, 3)
  event(other.registry, 4)
  one.gathered.flush()
  other.gathered.flush()
  expect(sum()).toBe(7)
  event(one.registry, 2)
  clock.pass(20_000)
  one.gathered.flush()
  other.gathered.flush()
  expect(points.map(({ index, doubles }) => [index, doubles])).toEqual([
    ['events_appended_total', [3]],
    ['events_appended_total', [4]],
    ['events_appended_total', [2]],
  ])
})

it('an isolate writes at once, and then no more often than every 20 s', () => {
  const { registry, gathered } = isolate()
  for (let second = 0; second < 60; second += 1) {
    event(registry)
    gathered.flush()
    clock.pass(1_000)
  }
  expect(points).toHaveLength(3)
})

it('what an isolate counts after it has written is written by a timer beside the answer, one at a time', async () => {
  const { registry, gathered } = isolate()
  const held: Promise<void>[] = []
  for (let request = 0; request < 5; request += 1) {
    event(registry)
    gathered.flushBeside((work) => held.push(work))
  }
  expect([sum(), held.length]).toEqual([1, 1])
  clock.pass(20_000)
  rings[0]!()
  await held[0]
  expect(sum()).toBe(5)
})

it('no more than 25 points are written in one go', () => {
  const { registry, gathered } = isolate()
  for (let index = 0; index < 60; index += 1)
    registry.count('object_requests_total', { object: 'room', operation: `o${index}` })
  for (const expected of [25, 50, 60, 60]) {
    gathered.flush()
    expect(points).toHaveLength(expected)
    clock.pass(20_000)
  }
})

describe('the sums', () => {
  it('are asked for since midnight, with the token, in one query', async () => {
    const { gathered } = isolate()
    await gathered.read!()
    const day = new Date(clock.now()).toISOString().slice(0, 10)
    expect(asked).toHaveLength(1)
    expect(asked[0]).toMatchObject({
      url: `https://api.example/accounts/${'a'.repeat(32)}/analytics_engine/sql`,
      authorization: 'Bearer secret',
    })
    expect(asked[0]!.body).toBe(sumsQuery('selvedge', clock.now()))
    expect(asked[0]!.body).toContain(`timestamp >= toDateTime('${day} 00:00:00')`)
    expect(asked[0]!.body).toContain('SUM(_sample_interval * double20)')
  })

  it('become series, also where numbers come as texts; metrics of another version are left out', async () => {
    answer = () =>
      Response.json({
        data: [
          { metric: 'wakes_total', blob1: 'taken', blob2: '', blob3: '', sum1: '12', sum2: '0' },
          { metric: 'events_appended_total', sum1: 5 },
          { metric: 'of_another_version', sum1: 1 },
          { metric: 'toString', sum1: 1 },
        ],
      })
    expect(await isolate().gathered.read!()).toEqual([
      { name: 'wakes_total', labels: ['taken'], values: [12] },
      { name: 'events_appended_total', labels: [], values: [5] },
    ])
  })

  it.each([
    ['an error', () => new Response('the query said secret', { status: 422 })],
    ['something else', () => Response.json({ rows: 1 })],
    ['no JSON', () => new Response('<html>')],
  ])('are refused where the API answers %s', async (_, given) => {
    answer = given
    await expect(isolate().gathered.read!()).rejects.toThrow()
    await expect(isolate().gathered.read!()).rejects.not.toThrow(/secret/)
  })
})
