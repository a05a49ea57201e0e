/** The services behind a server: Postgres, Redis and the object storage, as the server sees them. */
import * as z from 'zod'
import { VERSION } from '../../../src/version.ts'
import type { Check } from '../check.ts'
import { must } from '../http.ts'
import { expect, Skipped } from '../outcome.ts'
import { operatorToken } from '../visit.ts'

export const deep: Check = {
  group: 'services',
  name: 'Postgres, Redis and the object storage answer the server',
  async run(visit, ask) {
    if (visit.metricsToken === undefined && visit.operator === undefined) {
      throw new Skipped('/health?deep asks for a token: give --metrics-token')
    }
    const token = visit.metricsToken ?? (await operatorToken(visit))
    const body = must(await ask('GET', '/health', { token, query: { deep: '' } }), '/health?deep', [200, 503])
    const parts = Object.entries((body.parts ?? {}) as Record<string, string>)
    const down = parts.filter(([, state]) => state === 'down').map(([name]) => name)
    expect(down.length === 0, `the server does not reach ${down.join(', ')}`)
    expect(parts.length > 0, '/health?deep names no part')
    const asked = body.postgres_asked_ts
    return {
      note:
        typeof asked === 'number'
          ? `Postgres was asked ${Math.round((Date.now() - asked) / 1000)} s ago`
          : undefined,
    }
  },
}

const figure = (value: number) => Math.round(value).toLocaleString('en')

const Timed = z.object({ operations: z.number(), ms: z.number(), per_second: z.number() })
const Times = z.object({ redis: Timed, presence: Timed })

/** Further questions to what stands behind the server. */
export const throughServices: Check[] = [
  {
    group: 'services',
    name: '1,000 operations of Redis and 100 updates of presence are timed by the server',
    limitMs: 120_000,
    async run(visit, ask) {
      const token = visit.metricsToken ?? (await operatorToken(visit))
      const answer = await ask('POST', '/_selvedge/status/services', { token, json: {} })
      const { version } = visit.made
      if (answer.status === 404 && version !== undefined && version !== VERSION)
        throw new Skipped(
          `version ${version} of the server may have no such endpoint: this check is of ${VERSION}`,
        )
      const { redis, presence } = Times.parse(must(answer, 'the times of the services'))
      const rate = ({ operations, ms, per_second: perSecond }: z.infer<typeof Timed>) =>
        `${figure(operations)} in ${figure(ms)} ms, ${figure(perSecond)} a second`
      return { note: `Redis ${rate(redis)}; presence ${rate(presence)}` }
    },
  },
]
