/** What holds of every answer, however bad the request was. */
import type { Judge } from '../../local/contract/judge.ts'
import type { Expected } from './attack.ts'
import type { Draft } from './request.ts'

export interface Received {
  status: number
  headers: Headers
  body: unknown
  ms: number
}

const CORS_HEADERS = [
  'access-control-allow-origin',
  'access-control-allow-methods',
  'access-control-allow-headers',
]

/** An answer that takes longer holds a machine's only thread. */
const SLOW_MS = 5000

/** A page that cannot be read is no failure of this server's: it is a gateway then. */
const isElsewheres = (status: number, path: string) => status === 502 && path.endsWith('/preview_url')

/** What an answer breaks: nothing, if all is well. */
export function brokenInvariants(
  { status, headers, body, ms }: Received,
  { operation, method }: Draft,
  { expected, judge }: { expected: Expected; judge: Judge },
): string[] {
  const { statuses, errcodes, mustFail = false } = expected
  const errcode = (body as { errcode?: unknown } | null)?.errcode
  const isRefused = status >= 400
  const contentType = headers.get('content-type') ?? ''
  const asked = method === operation.method ? operation : undefined
  const rules: [boolean, string][] = [
    [status < 500 || isElsewheres(status, operation.path), `the server failed: ${status}`],
    [!(mustFail && !isRefused), `it succeeded: ${status}`],
    [
      statuses === undefined || statuses.includes(status),
      `the status is ${status}, expected ${statuses?.join(' or ')}`,
    ],
    [
      errcodes === undefined || errcodes.includes(String(errcode)),
      `the errcode is ${errcode}, expected ${errcodes?.join(' or ')}`,
    ],
    [ms < SLOW_MS, `it took ${Math.round(ms)} ms`],
    ...CORS_HEADERS.map((name): [boolean, string] => [headers.has(name), `the header ${name} is missing`]),
  ]
  const broken = rules.filter(([holds]) => !holds).map(([, sentence]) => sentence)
  return [...broken, ...judge({ status, contentType, body }, asked)]
}
