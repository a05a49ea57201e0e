/** How long a few questions take from here, one after the other. */
import type { Check, Finding, Visit } from '../check.ts'
import { type Ask, must } from '../http.ts'
import { visitorOf } from '../visit.ts'
import { send } from './journey.ts'

const TIMES = 20

async function timed(
  name: string,
  times: number,
  once: (index: number) => Promise<number>,
): Promise<Finding> {
  const values: number[] = []
  for (let index = 0; index < times; index += 1) values.push(Math.round((await once(index)) * 10) / 10)
  const sorted = values.toSorted((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)]!
  return {
    note: `median ${Math.round(median)} ms, slowest ${Math.round(sorted.at(-1)!)} ms`,
    series: [{ name, unit: 'ms', values }],
  }
}

const named = (name: string, once: (visit: Visit, ask: Ask, index: number) => Promise<number>): Check => ({
  group: 'latency',
  name: `${name}, ${TIMES} times`,
  limitMs: 120_000,
  run: (visit, ask) => timed(name, TIMES, (index) => once(visit, ask, index)),
})

/** What needs no user. */
export const reach: Check = named('GET /versions', async (_, ask) => {
  const answer = await ask('GET', '/_matrix/client/versions')
  must(answer, '/versions')
  return answer.ms
})

export const latency: Check[] = [
  reach,
  named('a message', async (visit, ask, index) => {
    const started = performance.now()
    await send(visit, ask, `${visit.made.word} ${index}`, `timed${index}`)
    return performance.now() - started
  }),
  named('GET /v3/account/whoami', async (visit, ask) => {
    const answer = await ask('GET', '/_matrix/client/v3/account/whoami', {
      token: visitorOf(visit).first.token,
    })
    must(answer, '/whoami')
    return answer.ms
  }),
]
