/** Lets systems pass that read the event stream: by a token with a scope, or by the operator's. */
import type { ConsumerRequester } from '../../src/accounts/requester.ts'
import { verifyStreamToken } from '../../src/event-stream/tokens.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { TOPICS } from '../../src/protocol/event-stream.ts'
import type { AppContext } from '../app-env.ts'
import type { EndpointRow } from '../middleware/endpoint-row.ts'
import { isOperator } from '../middleware/operator.ts'
import { countStranger } from '../middleware/rate-limit.ts'

/** @throws MatrixError M_MISSING_TOKEN, M_UNKNOWN_TOKEN */
export async function consumer(c: AppContext, row: EndpointRow): Promise<ConsumerRequester> {
  if (await isOperator(c)) return { kind: 'consumer', tokenId: undefined, topics: TOPICS }
  const { tokenKeys: keys, serverName } = c.var.ports.config
  const [, token] = /^Bearer +(\S+) *$/i.exec(c.req.header('authorization') ?? '') ?? []
  if (token === undefined) throw new MatrixError('M_MISSING_TOKEN', 'Missing token of the event stream')
  const known = await verifyStreamToken(token, { keys, serverName })
  if (known === undefined) {
    countStranger(c, row)
    throw new MatrixError('M_UNKNOWN_TOKEN', 'Unrecognised token of the event stream')
  }
  const { id: tokenId, ...scope } = known
  return { kind: 'consumer', tokenId, ...scope }
}
