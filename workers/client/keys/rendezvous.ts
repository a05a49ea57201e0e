/**
 * MSC4108 §The insecure rendezvous session: two devices that know no secret of each other yet exchange small texts,
 * encrypted between themselves, to sign in by QR code. Without an account, since one of them has none.
 */
import { Hono } from 'hono'
import * as z from 'zod'
import type { Rendezvous } from '../../../src/ports/rendezvous.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { AppContext, AppEnv } from '../../app-env.ts'
import { readText } from '../../middleware/bodies/body.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { countAttempt } from '../../middleware/rate-limit.ts'

const PATH = '/_matrix/client/unstable/org.matrix.msc4108/rendezvous'
/** "The maximum size of the payload should be 4KB." */
const MAX_BYTES = 4096
/** Time to find the phone, and to read and confirm a code. */
const LIFETIME_MS = 5 * 60_000
const ID_LENGTH = 32

const OfSession = z.object({ id: z.string().regex(/^[A-Za-z0-9]{1,64}$/) })

export const rendezvous = new Hono<AppEnv>()

rendezvous.post('/rendezvous', endpoint({ auth: 'none', limit: 'rendezvous' }), async (c) => {
  const { ports } = c.var
  await countAttempt(c, 'rendezvous')
  const payload = await payloadOf(c)
  const id = ports.random.token(ID_LENGTH)
  const session = await ports.rendezvous.create(id, payload, LIFETIME_MS)
  return c.json({ url: `${ports.config.publicUrl}${PATH}/${id}` }, 201, headersOf(session))
})

rendezvous.get(
  '/rendezvous/:id',
  endpoint({ auth: 'none', limit: 'rendezvous', param: OfSession }),
  async (c) => {
    const session = await c.var.ports.rendezvous.find(c.req.valid('param').id)
    if (session === undefined) throw gone()
    const headers = headersOf(session)
    if (c.req.header('if-none-match') === headers.ETag) return c.body(null, 304, headers)
    // Exactly this type: clients compare it, and take any other type for no answer.
    return c.body(session.payload, 200, { ...headers, 'Content-Type': 'text/plain' })
  },
)

rendezvous.put(
  '/rendezvous/:id',
  endpoint({ auth: 'none', limit: 'rendezvous', param: OfSession }),
  async (c) => {
    const etag = c.req.header('if-match')
    if (etag === undefined) throw new MatrixError('M_MISSING_PARAM', 'If-Match is missing')
    const payload = await payloadOf(c)
    const { id } = c.req.valid('param')
    const written = await c.var.ports.rendezvous.replace(id, versionOf(etag), payload)
    if (written === 'gone') throw gone()
    if (written === 'changed') throw changed()
    if (written === 'spent')
      throw new MatrixError('M_LIMIT_EXCEEDED', 'This session has been written too often')
    return c.body(null, 202, headersOf(written))
  },
)

rendezvous.delete(
  '/rendezvous/:id',
  endpoint({ auth: 'none', limit: 'rendezvous', param: OfSession }),
  async (c) => {
    if (!(await c.var.ports.rendezvous.remove(c.req.valid('param').id))) throw gone()
    return c.body(null, 204)
  },
)

async function payloadOf(c: AppContext): Promise<string> {
  const type = c.req.header('content-type')
  if (type === undefined) throw new MatrixError('M_MISSING_PARAM', 'Content-Type is missing')
  if (!/^text\/plain\s*(;|$)/i.test(type))
    throw new MatrixError('M_INVALID_PARAM', 'Content-Type must be text/plain')
  return readText(c.req.raw, MAX_BYTES, c.var.ports.config.bodyTimeoutMs)
}

function headersOf({ version, modifiedTs, expiresTs }: Rendezvous) {
  return {
    ETag: etagOf(version),
    Expires: new Date(expiresTs).toUTCString(),
    'Last-Modified': new Date(modifiedTs).toUTCString(),
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
  }
}

function etagOf(version: number): string {
  return `"${version}"`
}

/** 0, which no version has, for an ETag that is not ours. */
function versionOf(etag: string): number {
  return Number(/^"(\d{1,3})"$/.exec(etag)?.[1] ?? 0)
}

function gone(): MatrixError {
  return new MatrixError('M_NOT_FOUND', 'There is no such rendezvous session, or it is over')
}

/** The proposal names a code of its own beside the common one. */
function changed(): MatrixError {
  return new MatrixError('M_UNKNOWN', 'The session was changed meanwhile: read it again', {
    status: 412,
    extra: { 'org.matrix.msc4108.errcode': 'M_CONCURRENT_WRITE' },
  })
}
