/** The routes of the app, each with its row: asked in tests that hold something true of all. */
import { join } from 'node:path'
import { projectRoot } from '../../local/paths.ts'
import { type EndpointRow, rowOf } from '../../workers/middleware/endpoint-row.ts'

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
