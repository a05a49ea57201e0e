/** Contents that no client may send, whatever its power: checked before the room is asked (EV8). */
import * as z from 'zod'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { record } from '../../../src/protocol/json-schemas.ts'
import { check } from '../../middleware/validate.ts'
import { RoomAlias } from '../params.ts'

const Levels = record(z.string(), z.int()).optional()

/** Room versions before 10 allowed strings; clients were never meant to send them. */
export const PowerLevels = z.object({
  ban: z.int().optional(),
  kick: z.int().optional(),
  redact: z.int().optional(),
  invite: z.int().optional(),
  events_default: z.int().optional(),
  state_default: z.int().optional(),
  users_default: z.int().optional(),
  events: Levels,
  users: Levels,
  notifications: Levels,
})

const Member = z.object({ membership: z.enum(['join', 'invite', 'knock', 'leave', 'ban']) })

/** How many aliases an event may hold: each new one is looked up. */
const MAX_ALIASES = 100

/** An empty `alias` takes the canonical alias away, as an absent one does. */
const CanonicalAlias = z.object({
  alias: z.union([RoomAlias, z.literal('')]).nullish(),
  alt_aliases: z.array(RoomAlias).max(MAX_ALIASES).optional(),
})

const STATE_CONTENT: Readonly<Record<string, z.ZodType>> = {
  'm.room.power_levels': PowerLevels,
  'm.room.member': Member,
  'm.room.canonical_alias': CanonicalAlias,
}

/** @throws MatrixError for contents that no client may send as a message event */
export function checkMessage(type: string): void {
  refuseCreate(type)
}

/** @throws MatrixError for contents that no client may send as a state event */
export function checkState(type: string, content: JsonObject): void {
  refuseCreate(type)
  const schema = Object.hasOwn(STATE_CONTENT, type) ? STATE_CONTENT[type] : undefined
  if (schema !== undefined) check(schema, content, 'json')
}

/** The aliases that a canonical alias event names. */
export function namedAliases(content: JsonObject): string[] {
  const { alias, alt_aliases: others } = content
  const names = [alias, ...(Array.isArray(others) ? others : [])]
  return names.filter((name): name is string => typeof name === 'string' && name !== '')
}

function refuseCreate(type: string): void {
  if (type === 'm.room.create')
    throw new MatrixError(
      'M_INVALID_PARAM',
      'm.room.create cannot be sent: a room has one from its beginning',
    )
}
