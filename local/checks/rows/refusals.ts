/** What is refused, and how: by the errors that the specification names, and by the limits on how often one may ask. */
import type { Check } from '../check.ts'
import { type Answer, type Asked, refusal } from '../http.ts'
import { expect, Failed, Skipped } from '../outcome.ts'
import { path, visitorOf } from '../visit.ts'

const CLIENT = '/_matrix/client/v3'

const refused = (
  name: string,
  wanted: [status: number, errcode: string],
  request: [method: string, path: string, asked?: Asked],
): Check => ({
  group: 'refusals',
  name,
  async run(_, ask) {
    const answer = await ask(...request)
    const { errcode } = (answer.json ?? {}) as { errcode?: unknown }
    expect(
      answer.status === wanted[0] && errcode === wanted[1],
      `it was answered ${refusal(answer)}, expected ${wanted.join(' ')}`,
    )
  },
})

const json = (text: string): Asked => ({
  body: Buffer.from(text),
  headers: { 'content-type': 'application/json' },
})

export const refusals: Check[] = [
  refused('an unknown path is refused as such', [404, 'M_UNRECOGNIZED'], ['GET', `${CLIENT}/nowhere`]),
  refused(
    'a request without a token is refused',
    [401, 'M_MISSING_TOKEN'],
    ['GET', `${CLIENT}/account/whoami`],
  ),
  refused(
    'a made-up token is refused',
    [401, 'M_UNKNOWN_TOKEN'],
    ['GET', `${CLIENT}/account/whoami`, { token: 'made-up' }],
  ),
  refused('a body that is no JSON is refused', [400, 'M_NOT_JSON'], ['POST', `${CLIENT}/login`, json('{')]),
  {
    group: 'refusals',
    name: '/health?deep is refused to strangers',
    async run({ url }, ask) {
      const answer = await ask('GET', '/health', { query: { deep: '' } })
      const isHere = /^(localhost|127\.[\d.]+|\[::1\])$/.test(new URL(url).hostname)
      if (isHere && answer.status === 200)
        throw new Skipped('a server of this machine alone asks nobody for a token')
      expect(answer.status === 401, `it was answered ${answer.status}, expected 401 M_MISSING_TOKEN`)
    },
  },
]

/** More than the allowance of the cheapest thing that is limited by user. */
const MOST_PROOFS = 60

/** Asks for more than it may have: it needs a user of its own, and comes last. */
export const limits: Check = {
  group: 'refusals',
  name: 'who asks too often is told when to come again',
  async run(visit, ask) {
    const { first } = visitorOf(visit)
    const address = path`/_matrix/client/v3/user/${first.userId}/openid/request_token`
    let answer: Answer | undefined
    let count = 0
    for (; count < MOST_PROOFS && answer?.status !== 429; count += 1) {
      answer = await ask('POST', address, { token: first.token, json: {} })
    }
    if (answer?.status !== 429)
      throw new Failed(`${MOST_PROOFS} requests in a row were answered: rate limits are off`)
    const { errcode } = (answer.json ?? {}) as { errcode?: unknown }
    expect(errcode === 'M_LIMIT_EXCEEDED', `the limit was answered ${refusal(answer)}`)
    expect(
      /^\d+$/.test(answer.headers.get('retry-after') ?? ''),
      'the limit was answered without Retry-After',
    )
    return { note: `after ${count} requests` }
  },
}
