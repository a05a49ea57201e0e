/** One answer of each part of the Client-Server API that a user asks, judged by its schema. */
import { existsSync } from 'node:fs'
import * as z from 'zod'
import { type Judge, judgeBy } from '../../contract/judge.ts'
import { loadSpec, type Operation } from '../../contract/spec.ts'
import type { Check, Visit } from '../check.ts'
import { type Asked, refusal } from '../http.ts'
import { expect } from '../outcome.ts'
import { madeBefore, visitorOf } from '../visit.ts'
import { mistakes } from './endpoints.ts'

const Any = z.record(z.string(), z.unknown())
const Events = z.array(z.looseObject({ type: z.string(), event_id: z.string(), sender: z.string() }))
const list = (name: string, of: z.ZodType = z.unknown()) => z.looseObject({ [name]: z.array(of) })

type Row = [
  operation: string,
  schema: z.ZodType,
  more?: { status?: number; query?: Asked['query']; json?: unknown },
]

/** What stands in braces is of this visit. */
const ROWS: Row[] = [
  ['GET /_matrix/client/v3/account/whoami', z.looseObject({ user_id: z.string(), device_id: z.string() })],
  ['GET /_matrix/client/v3/capabilities', z.looseObject({ capabilities: Any })],
  ['GET /_matrix/client/v3/devices', list('devices', z.looseObject({ device_id: z.string() }))],
  ['GET /_matrix/client/v3/devices/{deviceId}', z.looseObject({ device_id: z.string() })],
  ['GET /_matrix/client/v3/profile/{userId}', Any],
  ['GET /_matrix/client/v3/joined_rooms', list('joined_rooms', z.string())],
  ['GET /_matrix/client/v3/publicRooms', list('chunk'), { query: { limit: 1 } }],
  ['GET /_matrix/client/v3/pushrules/', z.looseObject({ global: Any })],
  ['GET /_matrix/client/v3/pushers', list('pushers')],
  ['GET /_matrix/client/v3/notifications', list('notifications')],
  ['GET /_matrix/client/v3/voip/turnServer', Any],
  ['GET /_matrix/client/v3/account/3pid', list('threepids')],
  ['GET /_matrix/client/v3/thirdparty/protocols', Any],
  [
    'GET /_matrix/client/v3/room_keys/version',
    z.looseObject({ errcode: z.literal('M_NOT_FOUND') }),
    { status: 404 },
  ],
  ['GET /_matrix/client/v1/media/config', Any],
  [
    'POST /_matrix/client/v3/user_directory/search',
    list('results'),
    { json: { search_term: 'nobody of this name' } },
  ],
  [
    'POST /_matrix/client/v3/keys/query',
    z.looseObject({ device_keys: Any }),
    { json: { device_keys: { '{userId}': [] } } },
  ],
  ['POST /_matrix/client/v3/user/{userId}/filter', z.looseObject({ filter_id: z.string() }), { json: {} }],
  ['PUT /_matrix/client/v3/user/{userId}/account_data/{type}', Any, { json: { checked: true } }],
  ['GET /_matrix/client/v3/user/{userId}/account_data/{type}', z.looseObject({ checked: z.literal(true) })],
  ['GET /_matrix/client/v3/presence/{userId}/status', z.looseObject({ presence: z.string() })],
  ['GET /_matrix/client/v3/rooms/{roomId}/state', Events],
  ['GET /_matrix/client/v3/rooms/{roomId}/members', list('chunk')],
  ['GET /_matrix/client/v3/rooms/{roomId}/joined_members', z.looseObject({ joined: Any })],
  [
    'GET /_matrix/client/v3/rooms/{roomId}/messages',
    z.looseObject({ chunk: Events, start: z.string() }),
    { query: { dir: 'b', limit: 5 } },
  ],
  [
    'GET /_matrix/client/v3/rooms/{roomId}/event/{eventId}',
    z.looseObject({ event_id: z.string(), content: Any }),
  ],
  [
    'GET /_matrix/client/v3/rooms/{roomId}/context/{eventId}',
    z.looseObject({ event: Any }),
    { query: { limit: 2 } },
  ],
  ['GET /_matrix/client/v3/rooms/{roomId}/aliases', list('aliases', z.string())],
  ['GET /_matrix/client/v3/user/{userId}/rooms/{roomId}/tags', z.looseObject({ tags: Any })],
  ['GET /_matrix/client/v1/rooms/{roomId}/relations/{eventId}', list('chunk')],
  ['GET /_matrix/client/v1/rooms/{roomId}/threads', list('chunk')],
  ['GET /_matrix/client/v1/rooms/{roomId}/hierarchy', list('rooms')],
  ['PUT /_matrix/client/v3/rooms/{roomId}/typing/{userId}', Any, { json: { typing: false } }],
  ['POST /_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}', Any, { json: {} }],
  ['GET /_matrix/client/v3/sync', z.looseObject({ next_batch: z.string() }), { query: { timeout: 0 } }],
]

/** The official schemas, where the variable names their folder: they say more than ours. */
function officialJudge(): { judge: Judge; operations: Map<string, Operation> } | undefined {
  const folder = process.env.MATRIX_OPENAPI
  if (!folder || !existsSync(folder)) return undefined
  const spec = loadSpec(folder)
  return {
    judge: judgeBy(spec),
    operations: new Map(spec.operations.map((operation) => [operation.id, operation])),
  }
}

/** All rows as checks. */
export function apiChecks(): Check[] {
  const official = officialJudge()
  return ROWS.map(([operation, schema, { status = 200, query, json } = {}]): Check => {
    const [method, template] = operation.split(' ') as [string, string]
    return {
      group: 'api',
      name: operation.replace('/_matrix/client', ''),
      async run(visit, ask) {
        const { token } = visitorOf(visit).first
        const body = json === undefined ? undefined : JSON.parse(filled(JSON.stringify(json), visit, String))
        const answer = await ask(method, filled(template, visit, encodeURIComponent), {
          token,
          query,
          json: body,
        })
        expect(answer.status === status, `it was answered ${refusal(answer)}, expected ${status}`)
        const wrong = mistakes(schema, answer.json)
        expect(wrong === undefined, `the answer is wrong: ${wrong}`)
        const told = official?.judge(
          { status: answer.status, contentType: answer.contentType, body: answer.json },
          official.operations.get(operation),
        )
        expect(!told?.length, `the answer breaks its schema: ${told?.join('; ')}`)
      },
    }
  })
}

function filled(template: string, visit: Visit, coded: (text: string) => string): string {
  const { first } = visitorOf(visit)
  const values: Record<string, () => string> = {
    userId: () => first.userId,
    deviceId: () => first.deviceId,
    roomId: () => madeBefore(visit, 'roomId'),
    eventId: () => madeBefore(visit, 'eventId'),
    type: () => 'org.selvedge.check',
    receiptType: () => 'm.read',
  }
  return template.replace(/\{(\w+)\}/g, (_, name: string) => coded(values[name]!()))
}
