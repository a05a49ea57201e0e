/** Client-Server API §Profiles. */
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import type { Session } from '../../../src/objects/user/session.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import { checkProfileKey } from '../../../src/protocol/profile.ts'
import type { AppEnv } from '../../app-env.ts'
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
    requireSelf(c.var.session, userId)
    checkProfileKey(key)
    requireGuestField(c.var.session, key)
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
    requireSelf(c.var.session, userId)
    requireGuestField(c.var.session, key)
    await setField(c, key, undefined)
    return c.json({})
  },
)

/** "Guest users may only modify their display name." */
function requireGuestField({ guest }: Session, key: string): void {
  if (guest === true && key !== 'displayname') throw forbiddenToGuests()
}

async function setField(c: Context<AppEnv>, key: string, value: JsonValue | undefined): Promise<void> {
  const { objects, session } = c.var
  await objects.user(session.userId).setProfileField(session, key, value)
}

/** @throws MatrixError M_NOT_FOUND for users that are not, or not ours */
function fieldsOf(c: Context<AppEnv>, userId: string) {
  return c.var.objects.user(userId).profileFields()
}
