/** The API pages: each endpoint of ours as its row and its schemas have it. */
import * as z from 'zod'
import type { EndpointRow } from '../../workers/middleware/endpoint-row.ts'
import { ALLOWANCES } from '../../workers/middleware/rates.ts'
import { API_PAGES, API_WORDS, type ApiPage, OWN } from './api-words.ts'

export interface Route {
  method: string
  /** The pattern. */
  path: string
  row: EndpointRow
}

/** The Markdown of an API page. Of a route without words the schemas speak alone. */
export function apiMarkdown(page: ApiPage, routes: Route[]): string {
  const listed = routes.filter(({ path }) => page.has(path) && !OWN.test(path))
  const isOurs = ({ path }: Route) => path.startsWith('/_selvedge/')
  const own = [...listed.filter(isOurs), ...listed.filter((route) => !isOurs(route))]
  return [`# ${page.title}`, page.about, ...own.map(sectionOf)].join('\n\n')
}

/** Routes of ours that no page has. */
export function unlisted(routes: Route[]): string[] {
  return routes
    .filter(({ path }) => path.startsWith('/_selvedge/') && !OWN.test(path))
    .filter(({ path }) => !API_PAGES.some((page) => page.has(path)))
    .map(nameOf)
}

/** Routes on the pages that nothing is said of. */
export function wordless(routes: Route[]): string[] {
  const shown = routes.filter(({ path }) => !OWN.test(path) && API_PAGES.some((page) => page.has(path)))
  return shown.map(nameOf).filter((name) => API_WORDS[name] === undefined)
}

const nameOf = ({ method, path }: Route) => `${method} ${path}`

function sectionOf(route: Route): string {
  const { method, path, row } = route
  const words = API_WORDS[nameOf(route)]
  const parameters = (['param', 'query', 'json'] as const).flatMap((part) => rowsOf(part, row[part]))
  const shown = path.replace(/:(\w+)/g, '{$1}')
  return [
    `## ${method} ${shown}`,
    ...(words === undefined ? [] : [words.does]),
    `${AUTH[row.auth]} ${paceOf(row)}`,
    ...(parameters.length === 0
      ? []
      : [['| Name | In | Type | |', '|---|---|---|---|', ...parameters].join('\n')]),
    ...(words === undefined ? [] : [['Answers', '', '```', words.answers, '```'].join('\n')]),
  ].join('\n\n')
}

const AUTH: Record<EndpointRow['auth'], string> = {
  none: 'No token is asked for.',
  administrator: 'Asks for the access token of an administrator.',
  operator: 'Asks for the access token of an administrator, or an operator’s token.',
  metrics: 'Asks for the metrics token.',
  consumer: 'Asks for a token of the event stream, or an operator’s token.',
  server: 'Asks for the signature of another server.',
  device: 'Asks for an access token.',
  claims: 'Asks for an access token.',
  optional: 'Heeds an access token, and needs none.',
}

function paceOf({ limit }: EndpointRow): string {
  if (limit === 'free') return 'It is not counted.'
  const { burst, perSecond } = ALLOWANCES[limit]
  return `${burst} requests at once, then ${perSecond} a second.`
}

const PLACES = { param: 'path', query: 'query', json: 'body' } as const

interface Schema {
  type?: string | string[]
  properties?: Record<string, Schema>
  required?: string[]
  enum?: unknown[]
  const?: unknown
  anyOf?: Schema[]
  items?: Schema
  default?: unknown
  description?: string
  [bound: string]: unknown
}

function rowsOf(part: keyof typeof PLACES, schema: z.ZodType | undefined): string[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
  }) as Schema
  return Object.entries(properties).map(([name, property]) => {
    const need =
      property.default === undefined ? (required.includes(name) ? 'needed' : '') : defaultOf(property)
    const cells = [`\`${name}\``, PLACES[part], typeOf(property), need]
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  })
}

function defaultOf({ default: given }: Schema): string {
  // A bound that nobody reaches is none.
  return given === Number.MAX_SAFE_INTEGER || given === '' ? '' : `\`${JSON.stringify(given)}\` unless told`
}

const BOUNDS: Record<string, (bound: unknown) => string> = {
  minimum: (bound) => `at least ${bound}`,
  maximum: (bound) => `at most ${bound}`,
  minLength: (bound) => (bound === 1 ? 'not empty' : `at least ${bound} characters`),
  maxLength: (bound) => `at most ${bound} characters`,
}

function typeOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(', ')
  if (schema.anyOf !== undefined) return [...new Set(schema.anyOf.map(typeOf))].join(' or ')
  const kind = Array.isArray(schema.type) ? schema.type.join(' or ') : (schema.type ?? 'string')
  const bounds = Object.entries(BOUNDS).flatMap(([name, words]) =>
    typeof schema[name] === 'number' && Math.abs(schema[name]) < Number.MAX_SAFE_INTEGER
      ? [words(schema[name])]
      : [],
  )
  return [schema.type === 'array' ? 'list' : kind, ...bounds].join(', ')
}
