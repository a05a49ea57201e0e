/** Lets whoever runs the server pass: by the operator's token, or by an administrator's access token. */
import type { Context, MiddlewareHandler } from 'hono'
import { isOperatorToken } from '../../src/accounts/operator-token.ts'
import type { AppEnv } from '../app-env.ts'
import { accessToken } from './access-token.ts'
import { adminOnly } from './admin.ts'

export const operator: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (await isOperator(c)) return next()
  return accessToken(c, async () => {
    await adminOnly(c, next)
  })
}

async function isOperator(c: Context<AppEnv>): Promise<boolean> {
  const { tokenKeys, serverName } = c.var.ports.config
  const [, token] = /^Bearer +(\S+) *$/i.exec(c.req.header('authorization') ?? '') ?? []
  return token !== undefined && isOperatorToken(token, tokenKeys, serverName)
}
