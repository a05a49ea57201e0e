/** Requests that were refused since there were too many are counted by the class of their endpoint. */
import { expect, it } from 'vitest'
import { serving } from '../../support/serving.ts'
import { scrape } from '../../support/watching/metrics.ts'

const { server, http } = serving([], { 'rate-limits': 'on' })

it('counts each refusal', async () => {
  let refused = 0
  for (let asked = 0; asked < 2_000 && refused < 3; asked += 1) {
    const { status } = await http.request('GET', '/_matrix/client/versions')
    if (status === 429) refused += 1
  }
  expect(refused).toBe(3)
  expect((await scrape(server.url)).get('selvedge_rate_limited_requests_total{class="read"}')).toBe(3)
})
