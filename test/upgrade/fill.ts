/** What people did on the earlier server. */
import { generateKeyPairSync, sign } from 'node:crypto'
import { type Body, inPath, mustAsk, type Person } from './ask.ts'

export interface Filled {
  alice: Person
  bob: Person
  /** Of a second session of bob's. */
  refreshToken: string
  /** A token of alice's from before the messages. */
  since: string
  room: string
  publicRoom: string
  /** Where bob is alone, and a delayed event falls due while no server runs. */
  laterRoom: string
  space: string
  root: string
  redacted: string
  newest: string
  mxc: string
  backupVersion: string
  filterId: string
}

export const PASSWORD = 'correct horse battery staple'
export const ALIAS = '#weavers:earlier.example'
export const LATER_TEXT = 'this was to be said later'
const DELAY_MS = 15_000

/** A picture of one pixel. */
export const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

const unpadded = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')

/** Keys of a device, signed by itself; all are sorted by hand, as canonical JSON wants them. */
function deviceKeys({ userId, deviceId }: Person) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = unpadded(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32))
  const signed = (value: Record<string, unknown>) => ({
    ...value,
    signatures: {
      [userId]: {
        [`ed25519:${deviceId}`]: unpadded(sign(null, Buffer.from(JSON.stringify(value)), privateKey)),
      },
    },
  })
  return {
    device_keys: signed({
      algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
      device_id: deviceId,
      keys: { [`curve25519:${deviceId}`]: raw, [`ed25519:${deviceId}`]: raw },
      user_id: userId,
    }),
    one_time_keys: { 'signed_curve25519:AAAA': signed({ key: raw }) },
    fallback_keys: { 'signed_curve25519:BBBB': signed({ fallback: true, key: raw }) },
  }
}

/** Two people, their rooms and all that is kept for them. */
export async function fill(url: string): Promise<Filled> {
  const alice = await register(url, 'alice')
  const bob = await register(url, 'bob')
  const by = (person: Person) => (method: string, path: string, body?: unknown) =>
    mustAsk(url, person, method, path, body)
  const [a, b] = [by(alice), by(bob)]

  const { content_uri: mxc } = await a('POST', '/_matrix/media/v3/upload?filename=pixel.png', PIXEL)
  await a('PUT', `/profile/${alice.userId}/displayname`, { displayname: 'Alice the weaver' })
  await a('PUT', `/profile/${alice.userId}/avatar_url`, { avatar_url: mxc })
  for (const [person, send] of [
    [alice, a],
    [bob, b],
  ] as const)
    await send('POST', '/keys/upload', deviceKeys(person))

  const room = await make(a, {
    name: 'Loom',
    topic: 'Warp and weft',
    preset: 'private_chat',
    invite: [bob.userId],
    initial_state: [
      { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } },
    ],
  })
  await b('POST', `/join/${inPath(room)}`, {})
  const { next_batch: since } = await a('GET', '/sync?timeout=0')

  let count = 0
  const say = async (send: typeof a, type: string, content: Body, where = room): Promise<string> => {
    count += 1
    return (await send('PUT', `/rooms/${inPath(where)}/send/${type}/t${count}`, content)).event_id
  }
  const text = (body: string) => ({ msgtype: 'm.text', body })
  const root = await say(a, 'm.room.message', text('Where shall we begin?'))
  await say(b, 'm.room.encrypted', {
    algorithm: 'm.megolm.v1.aes-sha2',
    ciphertext: 'AwgAEnACgAkLmt6qF84IK',
    session_id: 'X3lUlvLELLYxeTx4yOVu6UDpasGEVO0Jbu',
    sender_key: 'IlRMeOPX2e0MurIyfWEucYBRVOEEUMrOHqn',
    device_id: bob.deviceId,
  })
  await say(b, 'm.room.message', {
    ...text('At the edge.'),
    'm.relates_to': { rel_type: 'm.thread', event_id: root },
  })
  await say(b, 'm.reaction', { 'm.relates_to': { rel_type: 'm.annotation', event_id: root, key: '🧵' } })
  const redacted = await say(a, 'm.room.message', text('Forget this'))
  await a('PUT', `/rooms/${inPath(room)}/redact/${inPath(redacted)}/r1`, { reason: 'a slip' })
  const seen = await say(b, 'm.room.message', text('Alice the weaver, look'))
  await a('POST', `/rooms/${inPath(room)}/receipt/m.read/${inPath(seen)}`, {})
  await a('POST', `/rooms/${inPath(room)}/read_markers`, { 'm.fully_read': seen })
  const newest = await say(b, 'm.room.message', text('alice, are you there?'))

  const publicRoom = await make(a, {
    name: 'Weavers',
    preset: 'public_chat',
    visibility: 'public',
    room_alias_name: 'weavers',
    room_version: '10',
  })
  const space = await make(a, { name: 'Guild', creation_content: { type: 'm.space' } })
  for (const child of [room, publicRoom])
    await a('PUT', `/rooms/${inPath(space)}/state/m.space.child/${inPath(child)}`, {
      via: ['earlier.example'],
    })

  const own = `/user/${alice.userId}`
  await a('PUT', `${own}/account_data/org.example.pattern`, { pattern: 'twill' })
  await a('PUT', `${own}/account_data/m.direct`, { [bob.userId]: [room] })
  await a('PUT', `${own}/rooms/${inPath(room)}/tags/m.favourite`, { order: 0.5 })
  await a('PUT', `${own}/rooms/${inPath(room)}/account_data/org.example.shed`, { shed: 2 })
  const { filter_id: filterId } = await a('POST', `${own}/filter`, { room: { timeline: { limit: 7 } } })
  await a('PUT', '/pushrules/global/content/thread', { pattern: 'thread', actions: ['notify'] })
  await a('PUT', '/pushrules/global/override/.m.rule.reaction/enabled', { enabled: false })
  await a('POST', '/pushers/set', {
    kind: 'http',
    app_id: 'org.example.app',
    pushkey: 'key-of-a-phone',
    app_display_name: 'App',
    device_display_name: 'Phone',
    lang: 'en',
    data: { url: 'https://push.invalid/_matrix/push/v1/notify', format: 'event_id_only' },
  })
  const { version: backupVersion } = await a('POST', '/room_keys/version', {
    algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2',
    auth_data: { public_key: 'abcdefg', signatures: {} },
  })
  await a('PUT', `/room_keys/keys?version=${backupVersion}`, {
    rooms: {
      [room]: {
        sessions: {
          session1: {
            first_message_index: 1,
            forwarded_count: 0,
            is_verified: true,
            session_data: { ciphertext: 'sealed', ephemeral: 'e', mac: 'm' },
          },
        },
      },
    },
  })
  await b('PUT', '/sendToDevice/m.room_key_request/d1', {
    messages: { [alice.userId]: { '*': { action: 'request_cancellation', request_id: '1' } } },
  })
  const { refresh_token: refreshToken } = await mustAsk(url, undefined, 'POST', '/login', {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: 'bob' },
    password: PASSWORD,
    refresh_token: true,
    initial_device_display_name: 'Second',
  })

  const laterRoom = await make(b, { name: 'Later' })
  const delay = `org.matrix.msc4140.delay=${DELAY_MS}`
  await b('PUT', `/rooms/${inPath(laterRoom)}/send/m.room.message/later?${delay}`, text(LATER_TEXT))
  return {
    alice,
    bob,
    refreshToken,
    since,
    room,
    publicRoom,
    laterRoom,
    space,
    root,
    redacted,
    newest,
    mxc,
    backupVersion,
    filterId,
  }
}

async function register(url: string, username: string): Promise<Person> {
  const body = { username, password: PASSWORD, auth: { type: 'm.login.dummy' } }
  const answer = await mustAsk(url, undefined, 'POST', '/register', body)
  return { userId: answer.user_id, token: answer.access_token, deviceId: answer.device_id }
}

async function make(
  send: (method: string, path: string, body?: unknown) => Promise<Body>,
  body: Body,
): Promise<string> {
  return (await send('POST', '/createRoom', body)).room_id
}
