/** `/_selvedge/admin/accounts`: what an operator does with accounts, for `npm run account`. */
import { Hono } from 'hono'
import * as z from 'zod'
import { newPasswordHash } from '../../src/accounts/passwords.ts'
import type { Account } from '../../src/ports/accounts.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { JsonObject } from '../../src/protocol/events/canonical-json.ts'
import { localpartOf, userIdOf } from '../../src/protocol/identifiers.ts'
import type { AppContext, AppEnv } from '../app-env.ts'
import { UserId } from '../client/params.ts'
import { forgetSessions } from '../middleware/access-token.ts'
import { endpoint } from '../middleware/endpoint.ts'

const PAGE = 100

const OfUser = z.object({ userId: UserId })
const Page = z.object({
  after: z.string().default(''),
  limit: z.coerce.number().pipe(z.int().min(1).max(PAGE)).default(PAGE),
})

/** Below `/_selvedge/admin`. */
export const accounts = new Hono<AppEnv>()

accounts.get('/accounts', endpoint({ auth: 'operator', limit: 'free', query: Page }), async (c) => {
  const { after, limit } = c.req.valid('query')
  const { ports } = c.var
  const found = await ports.accounts.list(after, limit)
  const next = found.length === limit ? found.at(-1)?.localpart : undefined
  return c.json({
    accounts: found.map((account) => shown(account, ports.config.serverName)),
    ...(next !== undefined && { next }),
  })
})

accounts.get('/accounts/:userId', endpoint({ auth: 'operator', limit: 'free', param: OfUser }), async (c) => {
  const { userId } = c.req.valid('param')
  const account = await accountOf(c, userId)
  const user = c.var.objects.user(userId)
  const [standing, devices] = await Promise.all([user.standing(), user.whois()])
  return c.json({ ...shown(account, c.var.ports.config.serverName), ...standing, devices })
})

accounts.put(
  '/accounts/:userId/password',
  endpoint({
    auth: 'operator',
    limit: 'free',
    param: OfUser,
    json: z.object({ password: z.string().min(1) }),
  }),
  async (c) => {
    const { userId } = c.req.valid('param')
    const { localpart, guest } = await accountInUse(c, userId)
    if (guest) throw new MatrixError('M_FORBIDDEN', 'A guest has no password')
    const hash = await newPasswordHash(c.req.valid('json').password, c.var.ports)
    await c.var.ports.accounts.setPassword(localpart, hash)
    return c.json({ user_id: userId })
  },
)

accounts.put(
  '/accounts/:userId/admin',
  endpoint({ auth: 'operator', limit: 'free', param: OfUser, json: z.object({ admin: z.boolean() }) }),
  async (c) => {
    const { userId } = c.req.valid('param')
    const { localpart, guest } = await accountInUse(c, userId)
    if (guest) throw new MatrixError('M_FORBIDDEN', 'A guest cannot be an administrator')
    await c.var.ports.accounts.setAdmin(localpart, c.req.valid('json').admin)
    return c.json({ user_id: userId })
  },
)

accounts.post(
  '/accounts/:userId/deactivate',
  endpoint({
    auth: 'operator',
    limit: 'free',
    param: OfUser,
    json: z.object({ erase: z.boolean().default(false) }),
    bodyOptional: true,
  }),
  async (c) => {
    const { userId } = c.req.valid('param')
    await accountInUse(c, userId)
    await c.var.objects.user(userId).close(c.req.valid('json').erase)
    forgetSessions(userId)
    return c.json({ user_id: userId })
  },
)

accounts.post(
  '/accounts/:userId/logout',
  endpoint({
    auth: 'operator',
    limit: 'free',
    param: OfUser,
    json: z.object({ device_id: z.string().optional() }),
    bodyOptional: true,
  }),
  async (c) => {
    const { userId } = c.req.valid('param')
    await accountOf(c, userId)
    const user = c.var.objects.user(userId)
    const { device_id: deviceId } = c.req.valid('json')
    const all = (await user.whois()).map((device) => device.device_id)
    const ended = deviceId === undefined ? all : all.filter((id) => id === deviceId)
    if (deviceId !== undefined && ended.length === 0) {
      throw new MatrixError('M_NOT_FOUND', `${userId} has no device ${deviceId}`)
    }
    await user.endDevices(ended)
    forgetSessions(userId)
    return c.json({ user_id: userId, ended: ended.length })
  },
)

/** @throws MatrixError M_NOT_FOUND, before an object is asked: asking would make one for any name */
async function accountOf(c: AppContext, userId: string): Promise<Account> {
  const { ports } = c.var
  c.var.objects.servers.requireReachable(userId)
  const account = await ports.accounts.find(localpartOf(userId))
  if (account === undefined) throw new MatrixError('M_NOT_FOUND', `There is no account ${userId}`)
  return account
}

/** @throws MatrixError M_NOT_FOUND, M_USER_DEACTIVATED */
async function accountInUse(c: AppContext, userId: string): Promise<Account> {
  const account = await accountOf(c, userId)
  if (account.deactivated)
    throw new MatrixError('M_USER_DEACTIVATED', `${userId} was deactivated, which cannot be undone`)
  return account
}

function shown({ localpart, admin, guest, deactivated, createdTs }: Account, serverName: string): JsonObject {
  return { user_id: userIdOf(localpart, serverName), admin, guest, deactivated, created_ts: createdTs }
}
