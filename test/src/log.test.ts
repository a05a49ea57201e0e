/** The log. */
import { expect, it } from 'vitest'
import { createLogger } from '../../src/log.ts'
import { standingClock } from '../support/world.ts'

it('writes one JSON object a line, from its level upwards, with the fields bound to it', () => {
  const lines: string[] = []
  const log = createLogger('warn', standingClock(0), (level, line) => lines.push(`${level} ${line}`))
  const request = log.with({ request_id: 'r1' })
  request.info('not this')
  request.warn('two\nlines', { status: 503 })
  log.error('plain')
  expect(lines).toEqual([
    'warn {"time":"1970-01-01T00:00:00.000Z","level":"warn","message":"two\\nlines","request_id":"r1","status":503}',
    'error {"time":"1970-01-01T00:00:00.000Z","level":"error","message":"plain"}',
  ])
})

it('writes a repeated warning once a minute for each part, with the count since the line before', () => {
  const lines: Record<string, unknown>[] = []
  let now = 0
  const log = createLogger('warn', { now: () => now }, (_, line) => lines.push(JSON.parse(line)))
  for (now = 0; now < 60_000; now += 1_000) log.with({ job: 'archive' }).trouble('archive', 'failed')
  log.trouble('wakes', 'failed')
  log.trouble('archive', 'failed')
  expect(lines.map(({ time, job, count }) => [time, job, count])).toEqual([
    ['1970-01-01T00:00:00.000Z', 'archive', 1],
    ['1970-01-01T00:01:00.000Z', undefined, 1],
    ['1970-01-01T00:01:00.000Z', undefined, 60],
  ])
})
