/** For endpoints that answer everybody, and those who say who they are better. */
import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from '../app-env.ts'
import { accessToken } from './access-token.ts'

/** Checks the token of a request that has one; without, `c.get('session')` stays undefined. */
export const optionalToken: MiddlewareHandler<AppEnv> = async (c, next) => {
  const hasToken = c.req.header('authorization') !== undefined || Boolean(c.req.query('access_token'))
  return hasToken ? accessToken(c, next) : next()
}
