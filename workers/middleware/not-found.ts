/** Unknown paths and wrong methods: Client-Server API §Common error codes, M_UNRECOGNIZED. */
import type { Context, Hono } from 'hono'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppEnv } from '../app-env.ts'
import { renderMatrixError } from './errors.ts'

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const

/** 405 where the path is known under another method, else 404. */
export function notFoundIn(app: Hono<AppEnv>): (c: Context<AppEnv>) => Response {
  return (c) => {
    const isKnown = METHODS.some((method) => hasRoute(app, method, c.req.path))
    // Rendered here and not thrown: with no route behind it, the edge would not get its turn after a throw.
    return renderMatrixError(isKnown ? wrongMethod() : unknownPath())
  }
}

const wrongMethod = () =>
  new MatrixError('M_UNRECOGNIZED', 'This path does not support that method', { status: 405 })
const unknownPath = () => new MatrixError('M_UNRECOGNIZED', 'Unknown path')

/** Middlewares match every method; a route of its own counts. */
function hasRoute(app: Hono<AppEnv>, method: string, path: string): boolean {
  const [matches] = app.router.match(method, path)
  return matches.some(([[, route]]) => route.method !== 'ALL')
}
