/** The routes of the app, each with its row, and a request of each: for tests that hold something true of all. */
import { join } from 'node:path'
import { projectRoot } from '../../local/paths.ts'
import { type EndpointRow, rowOf } from '../../workers/middleware/endpoint-row.ts'
import type { Answer, Api, Body, Client } from './client.ts'

export interface Route {
  method: string
  /** The pattern. */
  path: string
  /** The rows of its middlewares: one, before anything else. */
  rows: (EndpointRow | undefined)[]
}

/** By a path that the compiler does not follow: the Workers' types are not Node's. */
const { app } = (await import(join(projectRoot, 'workers', 'app.ts'))) as {
  app: { routes: { method: string; path: string; handler: object }[] }
}

/** Every route, under each of its paths. */
export const ROUTES: Route[] = [
  ...Map.groupBy(
    app.routes.filter(({ method }) => method !== 'ALL'),
    ({ method, path }) => `${method} ${path}`,
  ).values(),
].flatMap(([first, ...others]) => {
  if (first === undefined) return []
  const { method, path } = first
  return [{ method, path, rows: [first, ...others].map(({ handler }) => rowOf(handler)) }]
})

/** The row of a route, if it has one. */
export function rowAt(method: string, path: string): EndpointRow | undefined {
  return ROUTES.find((route) => route.method === method && route.path === path)?.rows[0]
}

/** What exists, and may be named. */
export interface Existing {
  roomId: string
  eventId: string
}

/** Where the body is looked at before anything else is. */
const BODIES: Record<string, Body> = {
  presence: { presence: 'online' },
  sendToDevice: { messages: { '@alice:test.example': { '*': {} } } },
}

const NO_WAITING = /\/(sync|events)$/

interface Wish {
  /** The token stands in the URL. */
  byQuery?: boolean
  /** Instead of one that fits. */
  body?: Body
}

/** Asks a route as a user, as well as its pattern allows. */
export function requestOf(
  http: Api,
  [method, pattern]: readonly [string, string],
  user: Client,
  { roomId, eventId }: Existing,
  wish: Wish = {},
): Promise<Answer> {
  const values: Record<string, string> = {
    userId: user.userId,
    roomId,
    room: roomId,
    eventId,
    alias: '#a:test.example',
    txnId: 't',
    eventType: 'org.example.x',
    key: 'displayname',
    type: 'org.example.x',
    tag: 'u.x',
    deviceId: user.deviceId,
    receiptType: 'm.read',
  }
  const path = pattern
    .replace(/:(\w+)(\{[^}]*\})?/g, (_, name: string, choice?: string) =>
      encodeURIComponent(choice === undefined ? (values[name] ?? 'x') : 'cancel'),
    )
    .replace('*', 'x')
  const [, body = {}] = Object.entries(BODIES).find(([part]) => pattern.includes(part)) ?? []
  const query = {
    ...(NO_WAITING.test(path) && { timeout: 0 }),
    ...(wish.byQuery && { access_token: user.token }),
  }
  const token = wish.byQuery ? undefined : user.token
  return http.request(method, path, method === 'GET' ? undefined : (wish.body ?? body), { token, query })
}
