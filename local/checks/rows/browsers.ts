/** What a browser must be told before a page may use the server, on failures too. */
import type { Check } from '../check.ts'
import type { Answer } from '../http.ts'
import { expect } from '../outcome.ts'

const ORIGIN = { origin: 'https://app.example' }
const HEADERS = ['authorization', 'content-type']

const listed = (answer: Answer, header: string) =>
  (answer.headers.get(header) ?? '').toLowerCase().split(/\s*,\s*/)

export const browsers: Check[] = [
  {
    group: 'browsers',
    name: 'a page of another origin may ask, with a token',
    async run(_, ask) {
      const answer = await ask('OPTIONS', '/_matrix/client/v3/sync', {
        headers: {
          ...ORIGIN,
          'access-control-request-method': 'PUT',
          'access-control-request-headers': HEADERS.join(','),
        },
      })
      expect(answer.status >= 200 && answer.status < 300, `the preflight was answered ${answer.status}`)
      expect(
        answer.headers.get('access-control-allow-origin') === '*',
        'Access-Control-Allow-Origin is not *',
      )
      for (const method of ['get', 'post', 'put', 'delete', 'options']) {
        expect(
          listed(answer, 'access-control-allow-methods').includes(method),
          `Access-Control-Allow-Methods lacks ${method.toUpperCase()}`,
        )
      }
      for (const header of HEADERS) {
        expect(
          listed(answer, 'access-control-allow-headers').includes(header),
          `Access-Control-Allow-Headers lacks ${header}`,
        )
      }
    },
  },
  ...(
    [
      ['answers', '/_matrix/client/versions'],
      ['refusals', '/_matrix/client/v3/account/whoami'],
      ['unknown paths', '/_matrix/client/v3/nowhere'],
    ] as const
  ).map(
    ([what, path]): Check => ({
      group: 'browsers',
      name: `a page of another origin may read ${what}`,
      async run(_, ask) {
        const { headers } = await ask('GET', path, { headers: ORIGIN })
        expect(
          headers.get('access-control-allow-origin') === '*',
          `${path} has no Access-Control-Allow-Origin: *`,
        )
      },
    }),
  ),
  {
    group: 'browsers',
    name: 'answers are kept from being taken for pages, and from being stored',
    async run(_, ask) {
      const { headers } = await ask('GET', '/_matrix/client/v3/login')
      expect(headers.get('x-content-type-options') === 'nosniff', 'X-Content-Type-Options is not nosniff')
      expect(headers.get('content-security-policy') !== null, 'there is no Content-Security-Policy')
      expect(
        /no-store|no-cache|private/.test(headers.get('cache-control') ?? ''),
        'Cache-Control lets proxies keep answers',
      )
    },
  },
]
