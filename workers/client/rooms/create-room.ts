/** `createRoom`: everything is checked here; then the room makes itself in one call. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { Servers } from '../../../durable-objects/gate.ts'
import type { CreateRoomPlan } from '../../../src/objects/room/create.ts'
import type { Alias } from '../../../src/ports/directory.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { floatInEvent, type JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { asGiven } from '../../../src/protocol/json-schemas.ts'
import { buildCreateEvent } from '../../../src/protocol/rooms/create-event.ts'
import { type RoomVersionRules, roomVersion } from '../../../src/protocol/rooms/room-version.ts'
import type { AppContext, AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { countActions } from '../../middleware/rate-limit.ts'
import { bodyHasFloats, jsonObject } from '../../middleware/validate.ts'
import { checkState, PowerLevels } from '../events/event-content.ts'
import { EventType, NewRoomAlias, StateKey, UserId } from '../params.ts'
import { requireAliases } from './aliases.ts'
import { inviteAllElsewhere } from './elsewhere/invite.ts'

const OPAQUE_ID_LENGTH = 18
/** Each is looked up, and each gets an event of their own. */
const MAX_INVITES = 1000
/** Of each the server is asked, and the client waits. */
const MAX_ELSEWHERE = 50
/** Each is an event of its own. */
const MAX_INITIAL_STATE = 500
const NONCE_KEY = 'selvedge.nonce'

const InitialState = z.object({ type: EventType, state_key: StateKey.default(''), content: jsonObject })

const CreateRoom = z.object({
  visibility: z.enum(['public', 'private']).default('private'),
  room_alias_name: z.string().optional(),
  name: z.string().optional(),
  topic: z.string().optional(),
  invite: z.array(UserId).max(MAX_INVITES).default([]),
  invite_3pid: z.array(z.unknown()).default([]),
  room_version: z.string().optional(),
  creation_content: jsonObject.default({}),
  initial_state: z.array(InitialState).max(MAX_INITIAL_STATE).default([]),
  preset: z.enum(['private_chat', 'trusted_private_chat', 'public_chat']).optional(),
  is_direct: z.boolean().default(false),
  power_level_content_override: asGiven(PowerLevels, jsonObject).optional(),
})
type CreateRoom = z.infer<typeof CreateRoom>

export const createRoom = new Hono<AppEnv>()

createRoom.post(
  '/createRoom',
  endpoint({
    auth: 'device',
    guests: false,
    suspended: false,
    limit: 'join',
    json: CreateRoom,
    bodyOptional: true,
  }),
  async (c) => {
    const body = c.req.valid('json')
    const rules = versionRules(body.room_version ?? c.var.ports.config.defaultRoomVersion)
    if (rules.strictJson && bodyHasFloats(c)) throw floatInEvent()
    checkPlan(body, c.var.objects.servers)
    const preset = body.preset ?? (body.visibility === 'public' ? 'public_chat' : 'private_chat')
    const alias = aliasOf(body.room_alias_name, c.var.ports.config.serverName)
    const content = createContent(rules, body, preset, c.var.requester.userId)
    // Where the id is the event's hash, two rooms of one person in one millisecond would be the same one.
    if (rules.roomIdIsCreateHash) content[NONCE_KEY] = c.var.ports.random.token(OPAQUE_ID_LENGTH)
    const { roomId, pdu } = createEvent(c, rules, content)
    const { servers } = c.var.objects
    const all = [...new Set(body.invite)]
    countActions(c, 'invite', all.length)
    const invited = all.filter((userId) => servers.owns(userId))
    const inviteElsewhere = all.filter((userId) => !servers.owns(userId))
    const [profile, invitees] = await Promise.all([
      c.var.objects.user(c.var.requester.userId).makeRoom(c.var.requester.session, roomId),
      c.var.objects.invitees(invited, c.var.requester.userId),
      alias === undefined ? undefined : reserve(c, { alias, roomId, creator: c.var.requester.userId }),
    ])
    const plan: CreateRoomPlan = {
      profile,
      isDirect: body.is_direct,
      preset,
      // "It is possible for one of the invited users to be rejected whilst the room creation as a whole succeeds."
      invite: invited.filter((_, index) => invitees[index]?.takesInvites),
      inviteElsewhere,
      inviteProfiles: Object.fromEntries(invited.map((userId, i) => [userId, invitees[i]?.profile ?? {}])),
      initialState: body.initial_state.map((s) => ({
        type: s.type,
        stateKey: s.state_key,
        content: s.content,
      })),
      powerLevelOverride: body.power_level_content_override,
      name: body.name,
      topic: body.topic,
      alias,
      public: body.visibility === 'public',
    }
    await orFreeAlias(c, alias, () => c.var.objects.newRoom(roomId).create(pdu, rules.version, plan))
    await inviteAllElsewhere(c, roomId, inviteElsewhere, body.is_direct ? { is_direct: true } : {})
    return c.json({ room_id: roomId })
  },
)

function versionRules(version: string): RoomVersionRules {
  const rules = roomVersion(version)
  if (rules !== undefined) return rules
  throw new MatrixError('M_UNSUPPORTED_ROOM_VERSION', `This server does not know room version ${version}`)
}

/** What no room would accept is refused before anything is made. */
function checkPlan(body: CreateRoom, servers: Servers): void {
  const elsewhere = body.invite.filter((userId) => !servers.owns(userId))
  if (!servers.federates) for (const userId of elsewhere) servers.requireReachable(userId)
  if (elsewhere.length > MAX_ELSEWHERE) {
    throw new MatrixError(
      'M_INVALID_PARAM',
      `At most ${MAX_ELSEWHERE} users of other servers can be invited at once`,
    )
  }
  if (body.invite_3pid.length > 0) {
    throw new MatrixError('M_FORBIDDEN', 'This server knows no identity server: invite by user ID')
  }
  for (const { type, content } of body.initial_state) {
    if (type === 'm.room.member')
      throw new MatrixError(
        'M_INVALID_PARAM',
        'initial_state must not hold m.room.member: name users in `invite`',
      )
    checkState(type, content)
  }
}

function aliasOf(name: string | undefined, serverName: string): string | undefined {
  if (name === undefined) return undefined
  const alias = `#${name}:${serverName}`
  // With a colon in it, the alias would belong to another server.
  if (NewRoomAlias.safeParse(alias).success && !name.includes(':')) return alias
  throw new MatrixError(
    'M_INVALID_PARAM',
    'room_alias_name must be the local part of an alias, with no colon and no whitespace',
  )
}

/** "The server will overwrite … creator, room_version". */
function createContent(
  rules: RoomVersionRules,
  body: CreateRoom,
  preset: CreateRoomPlan['preset'],
  sender: string,
): JsonObject {
  const { creator: _, ...content } = body.creation_content
  content.room_version = rules.version
  if (rules.createHasCreator) content.creator = sender
  if (rules.privilegedCreators) {
    const creators = additionalCreators(content, preset === 'trusted_private_chat' ? body.invite : [])
    const others = creators.filter((userId) => userId !== sender)
    if (others.length > 0) content.additional_creators = others
    else delete content.additional_creators
  }
  return content
}

const Creators = z.array(UserId)

/** Room version 12: users that are trusted like the creator become creators too. */
function additionalCreators(content: JsonObject, trusted: string[]): string[] {
  const given = Creators.safeParse(content.additional_creators ?? [])
  if (!given.success)
    throw new MatrixError('M_INVALID_PARAM', 'additional_creators must be a list of user IDs')
  return [...new Set([...given.data, ...trusted])]
}

/** The signed create event, and the room's id: from room version 12 on that is the event's hash. */
function createEvent(c: UserContext, rules: RoomVersionRules, content: JsonObject) {
  const { config, clock, random } = c.var.ports
  const room = {
    sender: c.var.requester.userId,
    content,
    localpart: random.token(OPAQUE_ID_LENGTH),
    originServerTs: clock.now(),
  }
  return buildCreateEvent(rules, room, config.serverName, config.signingKeys[0]!)
}

async function reserve(c: UserContext, alias: Alias): Promise<void> {
  const { aliases, clock } = c.var.ports
  await requireAliases(c)
  if (await aliases.reserve(alias, clock.now())) return
  throw new MatrixError('M_ROOM_IN_USE', `${alias.alias} is taken`)
}

/** A room that refused its own plan leaves nothing behind: its alias need not wait until the reservation lapses. */
async function orFreeAlias<T>(
  c: AppContext,
  alias: string | undefined,
  create: () => Promise<T>,
): Promise<T> {
  try {
    return await create()
  } catch (error) {
    const refused = error instanceof MatrixError && error.status < 500
    if (refused && alias !== undefined) await c.var.ports.aliases.remove(alias)
    throw error
  }
}
