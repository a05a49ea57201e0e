/** `/sync`. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { Objects, RoomGateway } from '../../../durable-objects/gate.ts'
import type { StateRequest } from '../../../src/objects/room/state.ts'
import type { RestOfState } from '../../../src/objects/room/sync.ts'
import type { SyncRequest } from '../../../src/objects/user/sync.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { objectField } from '../../../src/protocol/json-fields.ts'
import { eventWithFields } from '../../../src/protocol/matching/filter.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { stateSlices, streamJson } from '../../stream-json.ts'
import { Count, Flag } from '../params.ts'
import { hasRest, type LongPoll, longPoll } from './long-poll.ts'

const MAX_TIMEOUT_MS = 60_000

/** "null" is what JavaScript clients send if they have no token. */
const Since = z
  .string()
  .min(1)
  .optional()
  .transform((token) => (token === 'null' ? undefined : token))

const SyncQuery = z.object({
  since: Since,
  filter: z.string().optional(),
  full_state: Flag.default(false),
  timeout: Count.transform((ms) => Math.min(ms, MAX_TIMEOUT_MS)).default(0),
  use_state_after: Flag.optional(),
  'org.matrix.msc4222.use_state_after': Flag.optional(),
  set_presence: z.enum(['offline', 'online', 'unavailable']).default('online'),
})

export const sync = new Hono<AppEnv>()

sync.get(
  '/sync',
  endpoint({ auth: 'claims', guests: true, suspended: true, limit: 'sync', query: SyncQuery }),
  (c) => {
    const requester = c.get('requester')
    const query = c.req.valid('query')
    const request: SyncRequest = {
      session: requester.session,
      since: query.since,
      filter: query.filter,
      fullState: query.full_state,
      stateAfter: query.use_state_after ?? query['org.matrix.msc4222.use_state_after'] ?? false,
      timeoutMs: query.timeout,
      presence: query.set_presence,
    }
    return answerPoll(c, request)
  },
)

/** The answer to a poll. State that is more than a User object holds comes from the Rooms, as they send it. */
async function answerPoll(c: UserContext, request: SyncRequest): Promise<Response> {
  const answer = await poll(c, request)
  if (!hasRest(answer)) return answer
  const { body, rest } = await answer.json<LargeAnswer>()
  return streamJson(body, restOf(c.var.objects, body, rest))
}

/** What a User object answers where the state of rooms goes on. */
export interface LargeAnswer {
  body: JsonObject
  rest: RestOfState[]
}

/** Asks the User object, and waits while there is nothing. */
export function poll(c: UserContext, request: SyncRequest): Promise<Response> {
  const { session, timeoutMs, since: token } = request
  const ask: LongPoll['ask'] = (user, left) => user.sync({ ...request, timeoutMs: left })
  return longPoll(c, { session, timeoutMs, token, field: 'next_batch', ask })
}

const STATE_FIELDS = ['required_state', 'state', 'state_after', 'org.matrix.msc4222.state_after']

/** What the lists of state events in `body` go on with. */
export function restOf(
  objects: Objects,
  body: JsonObject,
  rest: readonly RestOfState[],
): Map<unknown, () => AsyncIterable<JsonObject[]>> {
  const found = new Map<unknown, () => AsyncIterable<JsonObject[]>>()
  for (const { kind, roomId, request, fields } of rest) {
    const rooms = objectField(body.rooms)
    const section = objectField(kind === 'sliding' ? rooms?.[roomId] : objectField(rooms?.[kind])?.[roomId])
    for (const field of STATE_FIELDS) {
      const events = kind === 'sliding' ? section?.[field] : objectField(section?.[field])?.events
      if (Array.isArray(events)) found.set(events, () => shownSlices(objects.room(roomId), request, fields))
    }
  }
  return found
}

async function* shownSlices(room: RoomGateway, request: StateRequest, fields: string[] | undefined) {
  for await (const events of stateSlices(room, request))
    yield events.map((event) => eventWithFields(event, fields))
}
