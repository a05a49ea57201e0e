/** What the charts of the status pages show of two looks at the counters. */
import { describe, expect, it } from 'vitest'
import { Registry } from '../../../src/metrics/registry.ts'
import type { Gauge } from '../../../src/ports/metrics.ts'
import { History, pointBetween, quantile } from '../../../workers/ops/status/points.ts'
import { sampleOf } from '../../../workers/ops/status/sample.ts'

const request = (registry: Registry, route: string, status: string, seconds: number) => {
  registry.count('http_requests_total', { method: 'GET', route, status })
  registry.observe('http_request_duration_seconds', { method: 'GET', route }, seconds)
}
const at = (registry: Registry, seconds: number, gauges: Gauge[] = []) =>
  sampleOf(seconds * 1000, registry.all(), gauges)

it('a rate is what came in a second, and a share what failed of it', () => {
  const registry = new Registry()
  request(registry, '/x', '200', 0.1)
  const before = at(registry, 100)
  for (let index = 0; index < 30; index += 1) request(registry, '/x', index < 3 ? '503' : '200', 0.1)
  const { at: moment, values } = pointBetween(before, at(registry, 110))
  expect([moment, values.requests, values.failedShare]).toEqual([110, 3, 0.1])
})

it('what waits by nature does not count as slow', () => {
  const registry = new Registry()
  const before = at(registry, 0)
  for (const route of [
    '/_matrix/client/v3/sync',
    '/_matrix/client/unstable/dev.selvedge.stream',
    '/a/upload',
    '/a/download/:serverName/:mediaId',
  ])
    request(registry, route, '200', 30)
  request(registry, '/x', '200', 0.004)
  const { values } = pointBetween(before, at(registry, 10))
  expect(values.answersMost).toBeLessThanOrEqual(0.005)
})

it('nothing is known of the time in which the counters began anew, nor of a share of nothing', () => {
  const [old, fresh] = [new Registry(), new Registry()]
  request(old, '/x', '200', 0.1)
  expect(pointBetween(at(old, 0), at(fresh, 10)).values).toMatchObject({ requests: null, answersMost: null })
  expect(pointBetween(at(fresh, 0), at(fresh, 10)).values).toMatchObject({
    requests: 0,
    hitShare: null,
    redisHalf: null,
  })
})

it('the archive is as far behind as its oldest object', () => {
  const gauge = (object: string, consumer: string, value: number): Gauge => ({
    name: 'consumer_oldest_seconds',
    labels: { object, consumer },
    value,
  })
  const gauges = [gauge('room', 'archive', 3), gauge('user', 'archive', 7), gauge('user', 'push', 99)]
  const registry = new Registry()
  expect(pointBetween(at(registry, 0), at(registry, 5, gauges)).values.archiveLag).toBe(7)
})

describe('a quantile', () => {
  it.each([
    [0.5, [4, 0, 0], 0.5],
    [0.5, [0, 4, 0], 1.5],
    [0.99, [99, 1, 0], 1],
    [0.5, [1, 1, 2], 2],
    [0.99, [0, 0, 5], 2],
    [0.5, [0, 0, 0], null],
  ])('%d of %j is %j', (share, counts, expected) => {
    expect(quantile(share, [1, 2], counts)).toBe(expected)
  })
})

describe('the history', () => {
  it('takes looks that come within a moment for one', () => {
    const history = new History()
    const registry = new Registry()
    for (const seconds of [0, 1, 5, 5.5, 10]) history.look(at(registry, seconds))
    expect(history.points.map((point) => point.at)).toEqual([5, 10])
  })

  it('keeps the last hour', () => {
    const history = new History()
    const registry = new Registry()
    for (let index = 0; index <= 1_000; index += 1) history.look(at(registry, index * 5))
    expect(history.points).toHaveLength(720)
    expect(history.points.at(-1)?.at).toBe(5_000)
  })
})
