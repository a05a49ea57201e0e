/** `/_synapse/admin/v1/register`: accounts by the operator's secret, for the tools that other servers' operators use. */
import { Hono } from 'hono'
import * as z from 'zod'
import { issueNonce, registerBySecret } from '../../../src/accounts/shared-secret.ts'
import type { AppEnv } from '../../app-env.ts'
import { clientAddress } from '../../middleware/client-address.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { countAttempt } from '../../middleware/rate-limit.ts'
import { DeviceId } from '../params.ts'

/** What is signed is joined by NULs: a part that holds one could be read as more parts than it is. */
const SignedPart = z
  .string()
  .min(1)
  .refine((text) => !text.includes('\0'), 'must not contain NUL')

const SecretRegistration = z.object({
  nonce: SignedPart,
  username: SignedPart,
  password: SignedPart,
  admin: z.boolean().default(false),
  /** The types that the tools know; here they are accounts like any other. */
  user_type: z.enum(['bot', 'support']).nullish(),
  mac: z.string(),
  inhibit_login: z.boolean().default(false),
  device_id: DeviceId.optional(),
  initial_device_display_name: z.string().optional(),
})

/** Below `/_synapse/admin/v1`. */
export const sharedSecret = new Hono<AppEnv>()

sharedSecret.get('/register', endpoint({ auth: 'none', limit: 'entry' }), async (c) => {
  await countAttempt(c, 'registration')
  return c.json({ nonce: await issueNonce(c.var.ports) })
})

sharedSecret.post(
  '/register',
  endpoint({ auth: 'none', limit: 'entry', json: SecretRegistration }),
  async (c) => {
    await countAttempt(c, 'registration')
    const body = c.req.valid('json')
    const answer = await registerBySecret(c.var.ports, c.var.objects.user, {
      nonce: body.nonce,
      username: body.username,
      password: body.password,
      admin: body.admin,
      userType: body.user_type ?? undefined,
      mac: body.mac,
      inhibitLogin: body.inhibit_login,
      device: {
        deviceId: body.device_id,
        displayName: body.initial_device_display_name,
        address: clientAddress(c),
      },
    })
    return c.json(answer)
  },
)
