/** Client-Server API §Server-side key backups. Sets of keys go to and from the User object in batches. */
import { Hono } from 'hono'
import * as z from 'zod'
import { takeFault } from '../../../src/faults.ts'
import type { BackedUpKey, KeyBackupState, KeyPlace } from '../../../src/objects/user/keys.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { looseObject, record } from '../../../src/protocol/json-schemas.ts'
import {
  KEYS_AT_ONCE,
  LENGTH_AT_ONCE,
  lengthInCall,
  MAX_BACKUP_BYTES,
} from '../../../src/protocol/keys/key-backup.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'
import { jsonObject } from '../../middleware/validate.ts'
import { RoomId } from '../params.ts'
import { backupStream, type Form, ROOMS, SESSIONS } from './backup-stream.ts'

const Version = z.string().min(1).max(255)
const InVersion = z.object({ version: Version })
const OptionalVersion = z.object({ version: Version.optional() })
const SessionId = z.string().min(1).max(255)
const InRoom = z.object({ roomId: RoomId })
const InSession = InRoom.extend({ sessionId: SessionId })
/** The specification has one algorithm. What is in a backup is for its clients to understand, whatever they call it. */
const Algorithm = z.string().min(1).max(255)
const AuthData = z.object({ algorithm: Algorithm, auth_data: jsonObject })
const Index = z.int().nonnegative()
const KeyData = looseObject({
  first_message_index: Index,
  forwarded_count: Index,
  is_verified: z.boolean(),
  session_data: jsonObject,
})
const Sessions = z.object({ sessions: record(SessionId, KeyData) })
const Rooms = z.object({ rooms: record(RoomId, Sessions) })

/** What is true of every endpoint here. */
const OWN_BACKUP = { auth: 'claims', guests: false, suspended: true, limit: 'keys' } as const

export const roomKeys = new Hono<AppEnv>()

roomKeys.post('/room_keys/version', endpoint({ ...OWN_BACKUP, json: AuthData }), async (c) => {
  const { algorithm, auth_data } = c.req.valid('json')
  requireSmall('auth_data', JSON.stringify(auth_data))
  return c.json({ version: await user(c).createKeyBackup(c.var.requester.session, algorithm, auth_data) })
})

roomKeys.get('/room_keys/version', endpoint(OWN_BACKUP), async (c) =>
  c.json(await user(c).keyBackup(c.var.requester.session, undefined)),
)

roomKeys.get('/room_keys/version/:version', endpoint({ ...OWN_BACKUP, param: InVersion }), async (c) =>
  c.json(await user(c).keyBackup(c.var.requester.session, c.req.valid('param').version)),
)

roomKeys.put(
  '/room_keys/version/:version',
  endpoint({ ...OWN_BACKUP, param: InVersion, json: AuthData.extend(OptionalVersion.shape) }),
  async (c) => {
    const { version } = c.req.valid('param')
    const { algorithm, auth_data, version: named } = c.req.valid('json')
    if (named !== undefined && named !== version) {
      throw new MatrixError('M_INVALID_PARAM', 'version must be the same in the body as in the path')
    }
    requireSmall('auth_data', JSON.stringify(auth_data))
    await user(c).updateKeyBackup(c.var.requester.session, version, algorithm, auth_data)
    return c.json({})
  },
)

roomKeys.delete('/room_keys/version/:version', endpoint({ ...OWN_BACKUP, param: InVersion }), async (c) => {
  const { version } = c.req.valid('param')
  while (await user(c).deleteKeyBackup(c.var.requester.session, version))
    if (takeFault('key-backup:cut-off'))
      throw new MatrixError('M_UNKNOWN', 'A test cut this request off', { status: 503 })
  return c.json({})
})

roomKeys.put('/room_keys/keys', endpoint({ ...OWN_BACKUP, query: InVersion, json: Rooms }), (c) => {
  const rooms = Object.entries(c.req.valid('json').rooms)
  return put(
    c,
    c.req.valid('query').version,
    rooms.flatMap(([roomId, { sessions }]) => keysOf(roomId, sessions)),
  )
})

roomKeys.put(
  '/room_keys/keys/:roomId',
  endpoint({ ...OWN_BACKUP, param: InRoom, query: InVersion, json: Sessions }),
  (c) => {
    const keys = keysOf(c.req.valid('param').roomId, c.req.valid('json').sessions)
    return put(c, c.req.valid('query').version, keys)
  },
)

roomKeys.put(
  '/room_keys/keys/:roomId/:sessionId',
  endpoint({ ...OWN_BACKUP, param: InSession, query: InVersion, json: KeyData }),
  (c) => {
    const { roomId, sessionId } = c.req.valid('param')
    const keys = keysOf(roomId, { [sessionId]: c.req.valid('json') })
    return put(c, c.req.valid('query').version, keys)
  },
)

roomKeys.get('/room_keys/keys', endpoint({ ...OWN_BACKUP, query: InVersion }), (c) =>
  read(c, c.req.valid('query').version, {}, ROOMS),
)

roomKeys.get('/room_keys/keys/:roomId', endpoint({ ...OWN_BACKUP, param: InRoom, query: InVersion }), (c) =>
  read(c, c.req.valid('query').version, c.req.valid('param'), SESSIONS),
)

roomKeys.get(
  '/room_keys/keys/:roomId/:sessionId',
  endpoint({ ...OWN_BACKUP, param: InSession, query: InVersion }),
  async (c) => {
    const { version } = c.req.valid('query')
    const { keys } = await user(c).backedUpKeys(
      c.var.requester.session,
      version,
      c.req.valid('param'),
      undefined,
    )
    const [key] = keys
    if (key === undefined) throw new MatrixError('M_NOT_FOUND', 'No such key is in the backup')
    return c.json(JSON.parse(key.data))
  },
)

roomKeys.delete('/room_keys/keys', endpoint({ ...OWN_BACKUP, query: InVersion }), (c) =>
  remove(c, c.req.valid('query').version, {}),
)

roomKeys.delete(
  '/room_keys/keys/:roomId',
  endpoint({ ...OWN_BACKUP, param: InRoom, query: InVersion }),
  (c) => remove(c, c.req.valid('query').version, c.req.valid('param')),
)

roomKeys.delete(
  '/room_keys/keys/:roomId/:sessionId',
  endpoint({ ...OWN_BACKUP, param: InSession, query: InVersion }),
  (c) => remove(c, c.req.valid('query').version, c.req.valid('param')),
)

function user(c: UserContext) {
  return c.var.objects.user(c.var.requester.userId)
}

function keysOf(roomId: string, sessions: Record<string, unknown>): BackedUpKey[] {
  return Object.entries(sessions).map(([sessionId, session]) => {
    const data = JSON.stringify(session)
    requireSmall(sessionId, data)
    return { roomId, sessionId, data }
  })
}

/** @throws MatrixError M_TOO_LARGE */
function requireSmall(name: string, json: string): void {
  if (new TextEncoder().encode(json).byteLength <= MAX_BACKUP_BYTES) return
  throw new MatrixError('M_TOO_LARGE', `${name} is larger than ${MAX_BACKUP_BYTES} bytes`)
}

/** Each batch is a transaction: a request that is cut off is sent again, and stores nothing twice. */
async function put(c: UserContext, version: string, keys: BackedUpKey[]) {
  let state: KeyBackupState | undefined
  for (const batch of batchesOf(keys)) {
    state = await user(c).putBackedUpKeys(c.var.requester.session, version, batch)
  }
  return c.json(state)
}

/** What one call carries each time. Without keys there is one batch, which tells the state. */
function batchesOf(keys: readonly BackedUpKey[]): BackedUpKey[][] {
  let batch: BackedUpKey[] = []
  let length = 0
  const batches = [batch]
  for (const key of keys) {
    const more = lengthInCall(key.roomId, key.sessionId, key.data)
    if (batch.length === KEYS_AT_ONCE || length + more > LENGTH_AT_ONCE) {
      batch = []
      length = 0
      batches.push(batch)
    }
    batch.push(key)
    length += more
  }
  return batches
}

/** Each call deletes some, so that a large backup makes nobody wait. What a request that is cut off leaves is still there. */
async function remove(c: UserContext, version: string, place: KeyPlace) {
  const some = () => user(c).deleteBackedUpKeys(c.var.requester.session, version, place)
  let deleted = await some()
  while (deleted.more) deleted = await some()
  return c.json(deleted.state)
}

async function read(c: UserContext, version: string, place: KeyPlace, form: Form): Promise<Response> {
  const { session } = c.var.requester
  const keys = await backupStream(form, (after) =>
    user(c).backedUpKeys(session, version, place, after && [after.roomId, after.sessionId]),
  )
  return c.body(keys, 200, { 'Content-Type': 'application/json' })
}
