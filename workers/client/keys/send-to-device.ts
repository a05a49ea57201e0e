/** Client-Server API §Send-to-Device messaging. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { ToDeviceMessage } from '../../../src/objects/user/to-device.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { record } from '../../../src/protocol/json-schemas.ts'
import type { AppEnv } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { countActions } from '../../middleware/rate-limit.ts'
import { jsonObject } from '../../middleware/validate.ts'
import { UserId } from '../params.ts'

/** Bytes of one message's content, as of an event; */
const MAX_MESSAGE_BYTES = 65_536
/** and characters of all messages on their way to the sender's object, where each is a string with its quotes escaped. */
const MAX_LENGTH = 900_000

const Place = z.object({ eventType: z.string().min(1).max(255), txnId: z.string().min(1).max(255) })
const Messages = z.object({ messages: record(UserId, record(z.string().max(255), jsonObject)) })

export const sendToDevice = new Hono<AppEnv>()

sendToDevice.put(
  '/sendToDevice/:eventType/:txnId',
  endpoint({ auth: 'claims', guests: true, suspended: 'own', limit: 'write', param: Place, json: Messages }),
  async (c) => {
    const { objects, requester } = c.var
    const { eventType: type, txnId } = c.req.valid('param')
    const messages: Record<string, ToDeviceMessage[]> = {}
    const sent = c.req.valid('json').messages
    // A message to a user who is not here is dropped; there is no way to other servers yet.
    const known = await objects.knownUsers(Object.keys(sent))
    for (const [userId, byDevice] of Object.entries(sent)) {
      if (!known.has(userId)) continue
      messages[userId] = Object.entries(byDevice).map(([deviceId, content]) => ({
        deviceId,
        type,
        content: small(JSON.stringify(content)),
      }))
    }
    if (JSON.stringify(messages).length > MAX_LENGTH) {
      throw new MatrixError('M_TOO_LARGE', 'The messages are too large for one request: send them in several')
    }
    countActions(c, 'toDevice', Object.values(messages).flat().length)
    await objects.user(requester.userId).sendToDevice(requester.session, `${type}/${txnId}`, messages)
    return c.json({})
  },
)

/** @throws MatrixError M_TOO_LARGE */
function small(content: string): string {
  if (new TextEncoder().encode(content).byteLength <= MAX_MESSAGE_BYTES) return content
  throw new MatrixError('M_TOO_LARGE', `A message has at most ${MAX_MESSAGE_BYTES} bytes`)
}
