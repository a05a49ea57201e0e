/** Counters of an isolate, their text, and what is handed on of them. */
import { describe, expect, it } from 'vitest'
import { exposition } from '../../../src/metrics/exposition.ts'
import { Registry } from '../../../src/metrics/registry.ts'
import { METRICS } from '../../../src/ports/metrics.ts'
import { parseMetrics } from '../../support/watching/metrics.ts'

const textOf = (registry: Registry) => parseMetrics(exposition(registry.all(), []))

describe('the text', () => {
  it('sums the buckets of a histogram up, with what lies above them all', () => {
    const registry = new Registry()
    for (const seconds of [0.0005, 0.3, 0.4, 100])
      registry.observe('http_request_duration_seconds', { method: 'GET', route: '/x' }, seconds)
    const text = textOf(registry)
    const at = (name: string, more = '') =>
      text.get(`selvedge_http_request_duration_seconds_${name}{method="GET",route="/x"${more}}`)
    expect(at('bucket', ',le="0.001"')).toBe(1)
    expect(at('bucket', ',le="0.25"')).toBe(1)
    expect(at('bucket', ',le="0.5"')).toBe(3)
    expect(at('bucket', ',le="60"')).toBe(3)
    expect(at('bucket', ',le="+Inf"')).toBe(4)
    expect(at('count')).toBe(4)
    expect(at('sum')).toBeCloseTo(100.7005)
  })

  it('keeps a label with quotes, backslashes and line breaks on its line', () => {
    const registry = new Registry()
    registry.count('http_requests_total', { method: 'GET', route: '/"\\\n', status: '200' })
    expect([...textOf(registry).keys()]).toContain(
      'selvedge_http_requests_total{method="GET",route="/\\"\\\\\\n",status="200"}',
    )
  })

  it('has the counters without labels from the beginning', () => {
    expect(textOf(new Registry()).get('selvedge_events_appended_total')).toBe(0)
  })
})

it('further sets of labels count together, however many there are', () => {
  const registry = new Registry()
  for (let index = 0; index < 5_000; index += 1)
    registry.count('object_requests_total', { object: 'room', operation: `o${index}` })
  expect(registry.all()).toHaveLength(2_001)
  expect(textOf(registry).get('selvedge_object_requests_total{object="other",operation="other"}')).toBe(3_000)
})

describe('what is handed on', () => {
  it('is what has grown since, and nothing twice', () => {
    const registry = new Registry()
    registry.count('events_appended_total', {}, 3)
    registry.observe('postgres_request_duration_seconds', { outcome: 'ok' }, 0.002)
    expect(registry.takeNew(10)).toHaveLength(2)
    expect(registry.takeNew(10)).toEqual([])
    registry.count('events_appended_total', {}, 2)
    expect(registry.takeNew(10)).toEqual([{ name: 'events_appended_total', labels: [], values: [2] }])
    expect(textOf(registry).get('selvedge_events_appended_total')).toBe(5)
  })

  it('is as much as is asked for, and the rest with the next call', () => {
    const registry = new Registry()
    for (let index = 0; index < 40; index += 1)
      registry.count('object_requests_total', { object: 'user', operation: `o${index}` })
    const labels = [...registry.takeNew(25), ...registry.takeNew(25)].map(({ labels }) => labels[1])
    expect(new Set(labels).size).toBe(40)
    expect(registry.takeNew(25)).toEqual([])
  })

  it('fits a point of Analytics Engine: 20 numbers, 3 labels', () => {
    for (const [name, row] of Object.entries(METRICS)) {
      const numbers = 'buckets' in row ? row.buckets.length + 2 : 1
      expect(numbers, name).toBeLessThanOrEqual(20)
      expect(row.labels.length, name).toBeLessThanOrEqual(3)
    }
  })
})
