/** The two forms in which clients send a request of sliding sync, and the one in which the User object gets it. */
import * as z from 'zod'
import {
  type ListFilters,
  PROFILES,
  type Scope,
  type SlidingAsked,
  type SlidingExtensions,
  THREADS,
} from '../../../src/objects/user/sliding.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { record } from '../../../src/protocol/json-schemas.ts'
import { ANY, keyOf, type RequiredState, type RoomConfig } from '../../../src/protocol/sliding/room-config.ts'

/** MSC4186: "Max lists: 100", and of the accepted form as many subscriptions. */
const MOST_LISTS = 100
const MOST_SUBSCRIPTIONS = { unstable: 1_000, accepted: 100 }
const MOST_ELEMENTS = 200
const MOST_EVENTS = 1_000
/** As JSON: it travels to the User object, and is kept there. */
const LONGEST = 60_000

const Limit = z
  .int()
  .min(0)
  .transform((limit) => Math.min(limit, MOST_EVENTS))
const Index = z.int().min(0)
const Range = z.tuple([Index, Index])
const Names = z.array(z.string()).max(MOST_ELEMENTS)
const RoomTypes = z.array(z.string().nullable()).max(MOST_ELEMENTS)

const Filters = z.object({
  is_dm: z.boolean().nullish(),
  is_encrypted: z.boolean().nullish(),
  is_invite: z.boolean().nullish(),
  is_invited: z.boolean().nullish(),
  room_types: RoomTypes.nullish(),
  not_room_types: RoomTypes.nullish(),
  spaces: Names.nullish(),
  tags: Names.nullish(),
  not_tags: Names.nullish(),
})

const Scoped = z.object({
  enabled: z.boolean().nullish(),
  lists: Names.nullish(),
  rooms: z.array(z.string()).max(MOST_SUBSCRIPTIONS.unstable).nullish(),
})
const Enabled = z.object({ enabled: z.boolean().nullish() })
const Profiles = Scoped.extend({ fields: Names.nullish() })
const ToDevice = Enabled.extend({ since: z.string().nullish(), limit: z.int().min(0).nullish() })

const Threads = Enabled.extend({ limit: z.int().min(1).nullish() })

const Extensions = z.object({
  e2ee: Enabled.nullish(),
  to_device: ToDevice.nullish(),
  account_data: Scoped.nullish(),
  receipts: Scoped.nullish(),
  typing: Scoped.nullish(),
  presence: Enabled.nullish(),
  [PROFILES]: Profiles.nullish(),
  [THREADS]: Threads.nullish(),
})

/** "It must not contain more than 16 chars"; longer ones do no harm. */
const ConnId = z.string().max(64)

const PairsOfState = z
  .array(z.tuple([z.string(), z.string()]))
  .max(MOST_ELEMENTS)
  .default([])
const UnstableRoom = z.object({ timeline_limit: Limit.default(0), required_state: PairsOfState })

export const UnstableBody = z.object({
  conn_id: ConnId.default(''),
  txn_id: z.string().max(255).optional(),
  lists: record(
    z.string(),
    UnstableRoom.extend({
      ranges: z.array(Range).max(MOST_ELEMENTS).nullish(),
      filters: Filters.nullish(),
    }),
  ).default({}),
  room_subscriptions: record(z.string(), UnstableRoom).default({}),
  extensions: Extensions.default({}),
})

const Element = z.object({ type: z.string().optional(), state_key: z.string().optional() })
const Elements = z.array(Element).max(MOST_ELEMENTS)
const AcceptedRoom = z.object({
  timeline_limit: Limit,
  required_state: z.object({
    include: Elements.optional(),
    exclude: Elements.optional(),
    lazy_members: z.boolean().optional(),
  }),
})

export const AcceptedBody = z.object({
  conn_id: ConnId.default(''),
  pos: z.string().min(1).optional(),
  timeout: z.int().min(0).default(0),
  set_presence: z.string().default('online'),
  lists: record(
    z.string(),
    AcceptedRoom.extend({ range: Range.optional(), filters: Filters.optional() }),
  ).default({}),
  room_subscriptions: record(z.string(), AcceptedRoom).default({}),
  extensions: Extensions.default({}),
})

type Unstable = z.infer<typeof UnstableBody>
type Accepted = z.infer<typeof AcceptedBody>

/** What a body from before MSC4186 was accepted asks for. @throws MatrixError M_INVALID_PARAM, M_TOO_LARGE */
export function askedUnstable(body: Unstable, userId: string): SlidingAsked {
  const configOf = ({ timeline_limit: limit, required_state }: z.infer<typeof UnstableRoom>): RoomConfig => ({
    limit,
    required: [fromPairs(required_state, userId)],
  })
  return askedOf('unstable', body, { configOf, rangesOf: ({ ranges }) => ranges ?? undefined })
}

const Presence = z.enum(['offline', 'online', 'unavailable'])

/** "An unknown value will result in a 400 error response with code `M_INVALID_PARAM`." @throws MatrixError */
export function presenceIn({ set_presence }: Accepted): z.infer<typeof Presence> {
  const known = Presence.safeParse(set_presence)
  if (known.success) return known.data
  throw new MatrixError('M_INVALID_PARAM', 'set_presence must be offline, online or unavailable')
}

/** The same for a body as it was accepted. */
export function askedAccepted(body: Accepted): SlidingAsked {
  const configOf = ({ timeline_limit: limit, required_state }: z.infer<typeof AcceptedRoom>): RoomConfig => {
    const { include = [], exclude = [], lazy_members } = required_state
    const toElement = ({ type = ANY, state_key = ANY }: z.infer<typeof Element>) => [type, state_key] as const
    const required: RequiredState = { include: include.map(toElement) }
    if (exclude.length > 0) required.exclude = exclude.map(toElement)
    if (lazy_members) required.lazy = true
    return { limit, required: [required] }
  }
  return askedOf('accepted', body, { configOf, rangesOf: ({ range }) => range && [range] })
}

/** `$LAZY` and `$ME` stand for members; MSC3575 §Lists has them. */
function fromPairs(pairs: readonly [string, string][], userId: string): RequiredState {
  const include = pairs
    .filter(([, key]) => key !== '$LAZY')
    .map(([type, key]) => [type, key === '$ME' ? userId : key] as const)
  const isLazy = pairs.some(([type, key]) => key === '$LAZY' && (type === 'm.room.member' || type === ANY))
  return isLazy ? { include, lazy: true } : { include }
}

interface Form<Room, List> {
  configOf: (room: Room) => RoomConfig
  rangesOf: (list: List) => [number, number][] | undefined
}

interface Listed {
  filters?: z.infer<typeof Filters> | null | undefined
}

function askedOf<Room, List extends Room & Listed>(
  form: SlidingAsked['form'],
  body: {
    lists: Record<string, List>
    room_subscriptions: Record<string, Room>
    extensions: z.infer<typeof Extensions>
  },
  { configOf, rangesOf }: Form<Room, List>,
): SlidingAsked {
  requireCount('lists', Object.keys(body.lists).length, MOST_LISTS)
  requireCount('room subscriptions', Object.keys(body.room_subscriptions).length, MOST_SUBSCRIPTIONS[form])
  const configs = new Configs()
  const lists = Object.entries(body.lists).map(([name, list]) => {
    const ranges = rangesOf(list)
    const filters = filtersOf(list.filters)
    const config = configs.add(configOf(list))
    return [name, { config, ...(ranges && { ranges }), ...(filters && { filters }) }] as const
  })
  const rooms = Object.entries(body.room_subscriptions).map(
    ([roomId, room]) => [roomId, configs.add(configOf(room))] as const,
  )
  const asked: SlidingAsked = {
    form,
    configs: configs.all,
    lists: Object.fromEntries(lists),
    rooms: Object.fromEntries(rooms),
    extensions: extensionsOf(body.extensions),
  }
  if (JSON.stringify(asked).length > LONGEST)
    throw new MatrixError('M_TOO_LARGE', 'This request asks for too many different things at once')
  return asked
}

/** Each config once: most rooms are asked for in the same way. */
class Configs {
  readonly all: RoomConfig[] = []
  readonly #indexes = new Map<string, number>()

  add(config: RoomConfig): number {
    const key = JSON.stringify([config.limit, config.required.map(keyOf)])
    const known = this.#indexes.get(key)
    if (known !== undefined) return known
    this.#indexes.set(key, this.all.length)
    return this.all.push(config) - 1
  }
}

function requireCount(what: string, count: number, most: number): void {
  if (count > most) throw new MatrixError('M_INVALID_PARAM', `A request has at most ${most} ${what}`)
}

function filtersOf(filters: Listed['filters']): ListFilters | undefined {
  if (filters === undefined || filters === null) return undefined
  const { is_invited, ...rest } = filters
  const all = { ...rest, is_invite: rest.is_invite ?? is_invited }
  const given = Object.entries(all).filter(([, value]) => value !== undefined && value !== null)
  // Earlier clients send empty lists where they choose none.
  const choosing = given.filter(
    ([name, value]) => !(name === 'room_types' && Array.isArray(value) && value.length === 0),
  )
  return choosing.length === 0 ? undefined : (Object.fromEntries(choosing) as ListFilters)
}

function extensionsOf(body: z.infer<typeof Extensions>): SlidingExtensions {
  const {
    e2ee,
    to_device,
    account_data,
    receipts,
    typing,
    presence,
    [PROFILES]: profiles,
    [THREADS]: threads,
  } = body
  const asked: SlidingExtensions = {}
  if (e2ee?.enabled) asked.e2ee = true
  if (presence?.enabled) asked.presence = true
  if (to_device?.enabled) {
    const { since, limit } = to_device
    // A place that was never given here is the beginning: nothing is lost by it.
    const last = /^\d{1,15}$/.test(since ?? '') ? Number(since) : undefined
    asked.to_device = { ...(last !== undefined && { since: last }), ...(limit && { limit }) }
  }
  for (const [name, scope] of Object.entries({ account_data, receipts, typing })) {
    if (scope?.enabled) asked[name as 'account_data' | 'receipts' | 'typing'] = scopeOf(scope)
  }
  // Who wants no field wants nothing.
  if (profiles?.enabled && profiles.fields?.length !== 0)
    asked[PROFILES] = { ...scopeOf(profiles), ...(profiles.fields && { fields: profiles.fields }) }
  if (threads?.enabled) asked[THREADS] = threads.limit ? { limit: threads.limit } : {}
  return asked
}

function scopeOf({ lists, rooms }: z.infer<typeof Scoped>): Scope {
  return { ...(lists && { lists }), ...(rooms && { rooms }) }
}
