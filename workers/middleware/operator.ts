/** Lets whoever runs the server pass: by the operator's token, or by an administrator's access token. */
import type { Context } from 'hono'
import { isOperatorToken } from '../../src/accounts/operator-token.ts'
import type { AppEnv } from '../app-env.ts'
import { administrator } from './admin.ts'

export async function operator(c: Context<AppEnv>): Promise<void> {
  if (!(await isOperator(c))) await administrator(c)
}

async function isOperator(c: Context<AppEnv>): Promise<boolean> {
  const { tokenKeys, serverName } = c.var.ports.config
  const [, token] = /^Bearer +(\S+) *$/i.exec(c.req.header('authorization') ?? '') ?? []
  return token !== undefined && isOperatorToken(token, tokenKeys, serverName)
}
