/** Large rooms within the platform's limits: `stop` fails for every breach that `src/limiter.ts` has seen. */
import { describe, expect, it } from 'vitest'
import { LIMITS } from '../../src/limiter.ts'
import { must } from '../support/client.ts'
import { eventually } from '../support/eventually.ts'
import { serving } from '../support/serving.ts'

const { server, http, alice } = serving(['alice'])

describe('a room made with more invites than an invocation has calls', () => {
  it('reaches all of them, a slice at a time', async () => {
    const last = await http.register('last')
    const count = LIMITS.calls + 100
    // Accounts alone: registering them one by one would take longer than all the rest.
    await server.pg(
      "insert into accounts (localpart, created_ts) select 'guest' || n, 0 from generate_series(0, $1::int - 1) n",
      [count],
    )
    const others = Array.from({ length: count }, (_, n) => `@guest${n}:test.example`)
    const roomId = await alice.createRoom({ invite: [...others, last.userId] })
    await eventually(
      () => last.sync(),
      ({ body }) => body.rooms?.invite?.[roomId] !== undefined,
      25_000,
    )
    const { body } = must(await alice.get(`/rooms/${encodeURIComponent(roomId)}/members`))
    expect(body.chunk).toHaveLength(others.length + 2)
    expect((await http.request('GET', '/_selvedge/test/passed-limits')).body).toEqual([])
  }, 120_000)
})
