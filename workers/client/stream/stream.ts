/**
 * `GET …/dev.selvedge.stream`: a WebSocket that ends in the User object, which is told there of everything that `/sync`
 * would answer. See `docs/stream.md` and decision 25.
 */
import { Hono } from 'hono'
import * as z from 'zod'
import type { StreamRequest } from '../../../src/objects/user/stream.ts'
import { type ErrorCode, MatrixError } from '../../../src/protocol/errors.ts'
import { STREAM_PROTOCOL, TOKEN_PROTOCOL } from '../../../src/protocol/stream.ts'
import type { AppContext, AppEnv } from '../../app-env.ts'
import { tokenSession } from '../../middleware/access-token.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { countStranger } from '../../middleware/rate-limit.ts'
import { beginByToken, takesTokens } from '../accounts/by-token.ts'
import { Flag } from '../params.ts'
import { closedAtOnce, type Opening, type SignIn, withFirstMessage } from './handshake.ts'

/** As `/sync` counts: a client that loses its connections again and again asks as often as one that polls. */
const COUNTED = { auth: 'claims', guests: true, suspended: true, limit: 'sync' } as const

const Query = z.object({
  since: z.string().min(1).max(2_048).optional(),
  filter: z.string().max(65_536).optional(),
  use_state_after: Flag.default(false),
  set_presence: z.enum(['offline', 'online', 'unavailable']).default('online'),
})

export const stream = new Hono<AppEnv>()

stream.get('/dev.selvedge.stream', endpoint({ auth: 'none', limit: 'free', query: Query }), async (c) => {
  refuseStrangers(c)
  const { since, filter, use_state_after: stateAfter, set_presence: presence } = c.req.valid('query')
  const asked = { since, filter, stateAfter, presence }
  const open = async (token: string) => openStream(c, { ...asked, ...(await claims(c, token)) })
  const header = headerToken(c)
  if (header !== undefined) return open(header)
  const named = protocols(c).find((protocol) => protocol.startsWith(TOKEN_PROTOCOL))
  const withProtocol = protocols(c).includes(STREAM_PROTOCOL) ? STREAM_PROTOCOL : undefined
  // A browser shows its page no status and no body: what is wrong with the token is told on the socket.
  if (named !== undefined)
    return open(named.slice(TOKEN_PROTOCOL.length)).then(
      (opened) => withSubprotocol(opened, withProtocol),
      (error) => withSubprotocol(closedAtOnce(error), withProtocol),
    )
  countStranger(c, COUNTED)
  const opening: Opening = async (signIn, tell) => open(await tokenOf(c, signIn, tell))
  return withSubprotocol(
    withFirstMessage(opening, (work) => c.executionCtx.waitUntil(work)),
    withProtocol,
  )
})

/** @throws MatrixError for a request that must not open a stream, whatever its token */
function refuseStrangers(c: AppContext): void {
  if (c.req.header('upgrade')?.toLowerCase() !== 'websocket')
    throw new MatrixError('M_UNRECOGNIZED', 'This is a WebSocket: ask for an upgrade', { status: 426 })
  if (c.req.query('access_token') !== undefined)
    throw new MatrixError(
      'M_INVALID_PARAM',
      'The access token must not be in the URL: send it as header, subprotocol or first message',
    )
  const origin = c.req.header('origin')
  const { streamOrigins } = c.var.ports.config
  if (origin !== undefined && streamOrigins !== undefined && !streamOrigins.includes(origin))
    throw new MatrixError('M_FORBIDDEN', 'Pages of this origin may not open a stream here')
}

function headerToken(c: AppContext): string | undefined {
  const given = c.req.header('authorization')
  return given === undefined ? undefined : (/^Bearer +(\S.*)$/is.exec(given)?.[1]?.trimEnd() ?? '')
}

function protocols(c: AppContext): string[] {
  return (c.req.header('sec-websocket-protocol') ?? '').split(',').map((protocol) => protocol.trim())
}

/** The access token of a client that signs in. One that had none is told what it is from now on. */
async function tokenOf(c: AppContext, signIn: SignIn, tell: (message: object) => void): Promise<string> {
  if (signIn.type === 'auth') return signIn.access_token
  if (!takesTokens(c.var.ports.config))
    throw new MatrixError('M_UNRECOGNIZED', 'This server takes no tokens of other systems', { status: 400 })
  const session = await beginByToken(c, signIn.token, signIn)
  tell({ type: 'signed_in', ...session })
  return session.access_token
}

/** Who a token speaks for. The User object is asked next, and knows whether the session lives. */
async function claims(c: AppContext, token: string): Promise<Pick<StreamRequest, 'session' | 'expiresAt'>> {
  const { expiresAt, ...session } = await tokenSession(c, COUNTED, token)
  return { session, ...(expiresAt !== undefined && { expiresAt }) }
}

/** The client's end of a socket whose other end the User object holds. @throws MatrixError where there is none */
async function openStream(c: AppContext, request: StreamRequest): Promise<Response> {
  const answer = await c.var.objects.user(request.session.userId).stream(request)
  if (answer.webSocket !== null) return new Response(null, { status: 101, webSocket: answer.webSocket })
  const { errcode, error, ...extra } = await answer.json<{ errcode: ErrorCode; error: string }>()
  throw new MatrixError(errcode, error, { status: answer.status, extra })
}

function withSubprotocol(response: Response, protocol: string | undefined): Response {
  const headers: Record<string, string> = protocol === undefined ? {} : { 'Sec-WebSocket-Protocol': protocol }
  return new Response(null, { status: 101, webSocket: response.webSocket, headers })
}
