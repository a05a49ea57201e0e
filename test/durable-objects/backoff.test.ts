/** When a timed job runs again: after a failure, and in an object that comes to memory. */
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'

interface Alarms {
  arm(job: string, at: number): void
  recover(): void
  fire(): Promise<void>
}

/** By a path that the compiler does not follow: the objects' types are not Node's. */
const { Timers } = (await import(join(projectRoot, 'durable-objects', 'timers.ts'))) as {
  Timers: new (parts: object) => Alarms
}

it('a job that keeps failing is tried after 1, 2, 4 and 8 seconds, and after 1 again once it has succeeded', async () => {
  let now = 0
  let alarm = 0
  let fails = true
  const timers = new Timers({
    storage: {
      getAlarm: async () => null,
      setAlarm: async (at: number) => {
        alarm = at
      },
    },
    clock: { now: () => now },
    jobs: [
      {
        name: 'job',
        run: async () => {
          if (fails) throw new Error('away')
        },
      },
    ],
    onError: () => undefined,
  })
  const waits = async (times: number) => {
    const seen: number[] = []
    for (let i = 0; i < times; i += 1) {
      now = alarm
      await timers.fire()
      seen.push(alarm - now)
    }
    return seen
  }
  timers.arm('job', 0)
  expect(await waits(4)).toEqual([1_000, 2_000, 4_000, 8_000])
  fails = false
  await waits(1)
  fails = true
  timers.arm('job', now)
  expect(await waits(1)).toEqual([1_000])
})

it.each([
  ['that is still to come is left as it is', 102_000, []],
  ['that is late is left as it is', 91_000, []],
  ['that is late by ten seconds is set again: the runtime may have forgotten it', 90_000, [90_000]],
])('an alarm %s', async (_, found, expected) => {
  const set: number[] = []
  const timers = new Timers({
    storage: { getAlarm: async () => found, setAlarm: async (at: number) => void set.push(at) },
    clock: { now: () => 100_000 },
    jobs: [{ name: 'job', run: async () => undefined }],
    onError: () => undefined,
  })
  timers.recover()
  timers.arm('job', 103_000)
  await Promise.resolve()
  await Promise.resolve()
  expect(set).toEqual(expected)
})
