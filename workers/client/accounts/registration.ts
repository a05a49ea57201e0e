/** Client-Server API §Account registration. */
import { Hono } from 'hono'
import * as z from 'zod'
import { guestOf, registerGuest } from '../../../src/accounts/guests.ts'
import { AuthData } from '../../../src/accounts/interactive-auth.ts'
import { checkAvailable, register } from '../../../src/accounts/registration.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { AppEnv } from '../../app-env.ts'
import { forgetSessions } from '../../middleware/access-token.ts'
import { clientAddress } from '../../middleware/client-address.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { countAttempt } from '../../middleware/rate-limit.ts'
import { DeviceId } from '../params.ts'

const Kind = z.object({ kind: z.enum(['user', 'guest']).default('user') })

const Registration = z.object({
  username: z.string().optional(),
  password: z.string().optional(),
  device_id: DeviceId.optional(),
  initial_device_display_name: z.string().optional(),
  inhibit_login: z.boolean().default(false),
  refresh_token: z.boolean().default(false),
  auth: AuthData.optional(),
  guest_access_token: z.string().optional(),
})

/** Below `v3`. */
export const registration = new Hono<AppEnv>()

registration.post(
  '/register',
  endpoint({ auth: 'none', limit: 'entry', query: Kind, json: Registration }),
  async (c) => {
    await countAttempt(c, 'registration')
    const body = c.req.valid('json')
    if (c.req.valid('query').kind === 'guest') {
      const wishes = { displayName: body.initial_device_display_name, address: clientAddress(c) }
      return c.json(await registerGuest(c.var.ports, c.var.objects.user, wishes))
    }
    const { guest_access_token: token } = body
    const guest = token === undefined ? undefined : await guestOf(c.var.ports, c.var.objects.user, token)
    const outcome = await register(c.var.ports, c.var.objects.user, {
      ...(guest !== undefined && { guest }),
      username: body.username,
      password: body.password,
      auth: body.auth,
      inhibitLogin: body.inhibit_login,
      device: {
        deviceId: body.device_id,
        displayName: body.initial_device_display_name,
        address: clientAddress(c),
        refresh: body.refresh_token,
      },
    })
    if (!outcome.done) return c.json(outcome.challenge, 401)
    // A registration sent twice ends the session that its first answer began.
    forgetSessions(outcome.answer.user_id)
    return c.json(outcome.answer)
  },
)

registration.get(
  '/register/available',
  endpoint({ auth: 'none', limit: 'entry', query: z.object({ username: z.string() }) }),
  async (c) => {
    await countAttempt(c, 'registration')
    await checkAvailable(c.var.ports, c.var.objects.user, c.req.valid('query').username)
    return c.json({ available: true })
  },
)

/** Below `v1`. */
export const registrationV1 = new Hono<AppEnv>()

registrationV1.get(
  '/register/m.login.registration_token/validity',
  endpoint({ auth: 'none', limit: 'entry', query: z.object({ token: z.string() }) }),
  async (c) => {
    const { accounts, clock, config } = c.var.ports
    if (config.registration === 'closed') {
      throw new MatrixError('M_FORBIDDEN', 'Registration is closed on this server')
    }
    await countAttempt(c, 'registration')
    return c.json({ valid: await accounts.registrationTokenValid(c.req.valid('query').token, clock.now()) })
  },
)
