/** The table of routes in docs/compatibility.md: made from the rows beside the handlers. */
import { type EndpointRow, permitOf } from '../../workers/middleware/endpoint-row.ts'
import type { Route } from '../support/routes.ts'

const BEGIN = '<!-- routes: written by `npm test -- test/contract --update` -->'
const END = '<!-- end of routes -->'

/** What a request must show. */
const SHOWS: Record<EndpointRow['auth'], string> = {
  none: 'nothing',
  optional: 'a session, or nothing',
  device: 'a session',
  claims: 'a session',
  administrator: 'a session of an administrator',
  operator: "the operator's token",
  metrics: 'the metrics token, unless the server is for its machine alone',
  consumer: 'a token of the event stream',
  server: 'the signature of another server',
}

/** The page with the table as the rows say it. */
export function withRoutes(page: string, routes: readonly Route[]): string {
  const [before = '', rest = ''] = page.split(BEGIN)
  const [, after] = rest.split(END)
  if (after === undefined) throw new Error('docs/compatibility.md has lost the marks around its routes')
  const lines = routes.filter(isNamed).map(lineOf).sort()
  const table = [
    '| route | must show | guests | suspended users | limit |',
    '|---|---|---|---|---|',
    ...lines,
  ]
  return [before, BEGIN, '\n\n', table.join('\n'), '\n\n', END, after].join('')
}

const OLD = /^\/_matrix\/(client|media)\/r0\//

/** The path of today, for one of the old names; itself for any other. */
export const pathOfToday = (path: string) => path.replace(OLD, '/_matrix/$1/v3/')

/** The page says once of all that their old names are served too. */
const isNamed = ({ path }: Route) => !OLD.test(path)

/** As the specification writes paths. */
export const template = (path: string) => path.replace(/:(\w+)(\{[^}]*\})?/g, '{$1}')

function lineOf({ method, path, rows: [row] }: Route): string {
  if (row === undefined) throw new Error(`${method} ${path} has no row`)
  const { guests, suspended } = permitOf(row)
  const may = (permit: boolean | 'own') => (permit === 'own' ? 'of their own' : permit ? 'yes' : 'no')
  return `| \`${template(path)}\` ${method} | ${SHOWS[row.auth]} | ${may(guests)} | ${may(suspended)} | ${row.limit} |`
}
