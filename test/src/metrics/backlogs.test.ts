/** How far the objects are behind with what follows their commits. */
import { beforeEach, describe, expect, it } from 'vitest'
import { watchBacklogs } from '../../../src/metrics/backlogs.ts'
import { Registry } from '../../../src/metrics/registry.ts'
import type { Backlogs } from '../../../src/ports/metrics.ts'
import { standingClock, type TestClock } from '../../support/world.ts'

const CONSUMERS = new Set(['archive', 'push'])
const MINUTE = 60_000

let clock: TestClock
let metrics: Registry
let backlogs: Backlogs

beforeEach(() => {
  clock = standingClock()
  metrics = new Registry()
  backlogs = watchBacklogs(metrics, clock)
})

const room = (id: string) => backlogs.of('room', id, CONSUMERS)
const archive = () => backlogs.all().find(({ consumer }) => consumer === 'archive')
const lags = () => metrics.all().filter(({ name }) => name === 'consumer_lag_seconds')

it('an object is behind from the first commit on, whatever comes after it', () => {
  const one = room('one')
  one.given('archive')
  clock.pass(MINUTE)
  one.given('archive')
  expect(archive()).toEqual({ object: 'room', consumer: 'archive', behind: 1, oldestMs: MINUTE })
  one.ran('archive', 'done', clock.now())
  expect(archive()).toMatchObject({ behind: 0, oldestMs: 0 })
  expect(lags().map(({ values }) => values.at(-1))).toEqual([60])
})

it('the oldest of several objects counts', () => {
  room('one').given('archive')
  clock.pass(MINUTE)
  room('other').given('archive')
  expect(archive()).toMatchObject({ behind: 2, oldestMs: MINUTE })
  room('one').ran('archive', 'done', clock.now())
  expect(archive()).toMatchObject({ behind: 1, oldestMs: 0 })
})

it('what is given while a consumer runs is left for its next run', () => {
  const one = room('one')
  one.given('archive')
  const startedAt = clock.now()
  clock.pass(1_000)
  one.given('archive')
  clock.pass(1_000)
  one.ran('archive', 'done', startedAt)
  expect(archive()).toMatchObject({ behind: 1, oldestMs: 1_000 })
})

describe('a run that does not end it', () => {
  it.each(['failed', 'left'] as const)('%s: the object stays behind, as long as before', (outcome) => {
    room('one').given('archive')
    clock.pass(MINUTE)
    room('one').ran('archive', outcome, clock.now())
    clock.pass(MINUTE)
    expect(archive()).toMatchObject({ behind: 1, oldestMs: 2 * MINUTE })
  })

  it('tells of work that an incarnation before has left', () => {
    room('one').ran('archive', 'failed', clock.now())
    expect(archive()).toMatchObject({ behind: 1 })
  })
})

it('jobs that follow no commit are not counted', () => {
  const one = room('one')
  one.given('typing')
  one.ran('typing', 'failed', clock.now())
  expect([backlogs.all(), metrics.all()]).toEqual([[], []])
})

it('more objects than can be told apart are as many as can', () => {
  for (let index = 0; index < 10_001; index += 1) room(`room ${index}`).given('archive')
  expect(archive()).toMatchObject({ behind: 10_000 })
})
