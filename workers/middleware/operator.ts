/** Lets the operator pass, by the operator's token, and administrators, by their access token. */
import { isOperatorToken } from '../../src/accounts/operator-token.ts'
import type { Requester } from '../../src/accounts/requester.ts'
import type { AppContext } from '../app-env.ts'
import { administrator } from './admin.ts'
import type { EndpointRow } from './endpoint-row.ts'

export async function operator(c: AppContext, row: EndpointRow): Promise<Requester> {
  return (await isOperator(c)) ? { kind: 'operator' } : administrator(c, row)
}

/** Whether the request carries an operator's token that is still good. */
export async function isOperator(c: AppContext): Promise<boolean> {
  const { tokenKeys, serverName } = c.var.ports.config
  const token = bearerToken(c)
  return token !== undefined && isOperatorToken(token, tokenKeys, serverName)
}

/** The token in the request's header, if there is one. */
export function bearerToken(c: AppContext): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(c.req.header('authorization') ?? '')?.[1]
}
