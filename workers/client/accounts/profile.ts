/** Client-Server API §Profiles. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { UserRequester } from '../../../src/accounts/requester.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import { checkProfileKey } from '../../../src/protocol/profile.ts'
import type { AppContext, AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { forbiddenToGuests } from '../../middleware/permitted.ts'
import { jsonObject } from '../../middleware/validate.ts'
import { requireSelf, UserId } from '../params.ts'

const OfUser = z.object({ userId: UserId })
const Field = OfUser.extend({ key: z.string().min(1) })

export const profile = new Hono<AppEnv>()

profile.get('/profile/:userId', endpoint({ auth: 'none', limit: 'read', param: OfUser }), async (c) =>
  c.json(await fieldsOf(c, c.req.valid('param').userId)),
)

profile.get('/profile/:userId/:key', endpoint({ auth: 'none', limit: 'read', param: Field }), async (c) => {
  const { userId, key } = c.req.valid('param')
  checkProfileKey(key)
  const value = (await fieldsOf(c, userId))[key]
  if (value === undefined) throw new MatrixError('M_NOT_FOUND', 'The profile has no such field')
  return c.json({ [key]: value })
})

profile.put(
  '/profile/:userId/:key',
  endpoint({
    auth: 'device',
    guests: true,
    suspended: false,
    limit: 'write',
    param: Field,
    json: jsonObject,
  }),
  async (c) => {
    const { userId, key } = c.req.valid('param')
    const value = c.req.valid('json')[key]
    requireSelf(c.var.requester, userId)
    checkProfileKey(key)
    requireGuestField(c.var.requester, key)
    if (value === undefined) throw new MatrixError('M_MISSING_PARAM', `${key} is missing`)
    await setField(c, key, value)
    return c.json({})
  },
)

profile.delete(
  '/profile/:userId/:key',
  endpoint({ auth: 'device', guests: true, suspended: false, limit: 'write', param: Field }),
  async (c) => {
    const { userId, key } = c.req.valid('param')
    requireSelf(c.var.requester, userId)
    requireGuestField(c.var.requester, key)
    await setField(c, key, undefined)
    return c.json({})
  },
)

/** "Guest users may only modify their display name." */
function requireGuestField({ kind }: UserRequester, key: string): void {
  if (kind === 'guest' && key !== 'displayname') throw forbiddenToGuests()
}

async function setField(c: UserContext, key: string, value: JsonValue | undefined): Promise<void> {
  const { objects, requester } = c.var
  await objects.user(requester.userId).setProfileField(requester.session, key, value)
}

/** @throws MatrixError M_NOT_FOUND for users that do not exist, or are not ours */
function fieldsOf(c: AppContext, userId: string) {
  return c.var.objects.user(userId).profileFields()
}
