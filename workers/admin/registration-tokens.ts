/** `/_synapse/admin/v1/registration_tokens`: tokens for registration, by the paths that Synapse's tools use. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { RegistrationToken } from '../../src/ports/accounts.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { JsonObject } from '../../src/protocol/events/canonical-json.ts'
import type { AppEnv } from '../app-env.ts'
import { Flag } from '../client/params.ts'
import { endpoint } from '../middleware/endpoint.ts'

/** Client-Server API §Token-authenticated registration: the grammar of a token. */
const Token = z.string().regex(/^[A-Za-z0-9._~-]{1,64}$/, 'holds 1 to 64 of A-Z, a-z, 0-9 and . _ ~ -')
const DEFAULT_LENGTH = 16

const New = z.object({
  token: Token.optional(),
  uses_allowed: z.int().min(0).max(2_147_483_647).nullish(),
  expiry_time: z.int().min(0).nullish(),
  length: z.int().min(1).max(64).default(DEFAULT_LENGTH),
})
const ByToken = z.object({ token: z.string().min(1) })

/** Below `/_synapse/admin/v1`. */
export const registrationTokens = new Hono<AppEnv>()

registrationTokens.get(
  '/registration_tokens',
  endpoint({ auth: 'administrator', limit: 'free', query: z.object({ valid: Flag.optional() }) }),
  async (c) => {
    const { registrationTokens: store, clock } = c.var.ports
    const { valid } = c.req.valid('query')
    const tokens = await store.list()
    const wanted = tokens.filter((token) => valid === undefined || isValid(token, clock.now()) === valid)
    return c.json({ registration_tokens: wanted.map(shown) })
  },
)

registrationTokens.post(
  '/registration_tokens/new',
  endpoint({ auth: 'administrator', limit: 'free', json: New, bodyOptional: true }),
  async (c) => {
    const { registrationTokens: store, random, clock } = c.var.ports
    const body = c.req.valid('json')
    const expiresTs = body.expiry_time ?? null
    if (expiresTs !== null && expiresTs <= clock.now()) {
      throw new MatrixError('M_INVALID_PARAM', 'expiry_time must be in the future')
    }
    const token: RegistrationToken = {
      token: body.token ?? random.token(body.length),
      usesAllowed: body.uses_allowed ?? null,
      uses: 0,
      expiresTs,
    }
    if (!(await store.create(token))) throw new MatrixError('M_INVALID_PARAM', 'The token exists already')
    return c.json(shown(token))
  },
)

registrationTokens.get(
  '/registration_tokens/:token',
  endpoint({ auth: 'administrator', limit: 'free', param: ByToken }),
  async (c) => {
    const token = await c.var.ports.registrationTokens.find(c.req.valid('param').token)
    if (token === undefined) throw noSuchToken()
    return c.json(shown(token))
  },
)

registrationTokens.delete(
  '/registration_tokens/:token',
  endpoint({ auth: 'administrator', limit: 'free', param: ByToken }),
  async (c) => {
    if (!(await c.var.ports.registrationTokens.remove(c.req.valid('param').token))) throw noSuchToken()
    return c.json({})
  },
)

/** A use is counted when the account is made: none is ever pending. */
function shown({ token, usesAllowed, uses, expiresTs }: RegistrationToken): JsonObject {
  return { token, uses_allowed: usesAllowed, pending: 0, completed: uses, expiry_time: expiresTs }
}

function isValid({ usesAllowed, uses, expiresTs }: RegistrationToken, now: number): boolean {
  return (usesAllowed === null || uses < usesAllowed) && (expiresTs === null || expiresTs > now)
}

function noSuchToken(): MatrixError {
  return new MatrixError('M_NOT_FOUND', 'There is no such token')
}
