/** The Matrix calls the bench makes, for one user each, over the lean HTTP client. */

import type { HttpClient } from './http.ts'

/** A logged-in user. */
export interface Session {
  http: HttpClient
  userId: string
  deviceId: string
  name: string
  token: string
}

interface CreateRoomOptions {
  preset?: 'public_chat' | 'private_chat'
  name?: string
}

const V3 = '/_matrix/client/v3'
const PASSWORD = 'a long enough bench password'
/** Names are unique by run, so that one server can be measured again and again. */
const RUN = Date.now().toString(36)
let counter = 0

/** A short text no other message of any run has. */
export function uniqueMarker(): string {
  counter += 1
  return `m${RUN}x${counter}`
}

/** One call whose answer must be a success; the failure names the call and what the server said. */
export async function call<T>(
  http: HttpClient,
  method: string,
  path: string,
  token?: string,
  body?: unknown,
): Promise<T> {
  const reply = await http.request(method, path, token, body === undefined ? undefined : JSON.stringify(body))
  if (reply.status < 200 || reply.status > 299) {
    throw new Error(`${method} ${path.slice(0, 120)}: ${reply.status} ${reply.body.slice(0, 200)}`)
  }
  return JSON.parse(reply.body) as T
}

/** Registers a user of a fresh name with the one-shot dummy stage. */
export async function register(http: HttpClient): Promise<Session> {
  const name = `bench-${uniqueMarker()}`
  const answer = await call<{ user_id: string; device_id: string; access_token: string }>(
    http,
    'POST',
    `${V3}/register`,
    undefined,
    { username: name, password: PASSWORD, auth: { type: 'm.login.dummy' } },
  )
  const { user_id: userId, device_id: deviceId, access_token: token } = answer
  return { http, name, userId, deviceId, token }
}

/** Registers many users, `width` requests at a time. */
export function registerMany(http: HttpClient, count: number, width = 8): Promise<Session[]> {
  return inParallel(count, width, () => register(http))
}

export async function login(session: Session): Promise<void> {
  await call(session.http, 'POST', `${V3}/login`, undefined, {
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: session.name },
    password: PASSWORD,
  })
}

export async function createRoom(session: Session, options: CreateRoomOptions = {}): Promise<string> {
  const body = { preset: 'private_chat', ...options }
  return (await call<{ room_id: string }>(session.http, 'POST', `${V3}/createRoom`, session.token, body))
    .room_id
}

export async function join(session: Session, roomId: string): Promise<void> {
  await call(session.http, 'POST', `${V3}/join/${encodeURIComponent(roomId)}`, session.token, {})
}

export async function leave(session: Session, roomId: string): Promise<void> {
  await call(session.http, 'POST', `${V3}/rooms/${encodeURIComponent(roomId)}/leave`, session.token, {})
}

/** A text message; its transaction id and its body are the marker. */
export async function send(session: Session, roomId: string, marker = uniqueMarker()): Promise<void> {
  const path = `${V3}/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${marker}`
  await call(session.http, 'PUT', path, session.token, { msgtype: 'm.text', body: marker })
}

export async function messages(session: Session, roomId: string, limit: number): Promise<void> {
  const path = `${V3}/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=${limit}`
  await call(session.http, 'GET', path, session.token)
}

export interface SyncAnswer {
  text: string
  nextBatch: string
}

export function syncPath(since: string | undefined, timeoutMs: number): string {
  return `${V3}/sync?timeout=${timeoutMs}${since === undefined ? '' : `&since=${encodeURIComponent(since)}`}`
}

/** One sync that does not wait. */
export async function syncNow(session: Session, since?: string): Promise<SyncAnswer> {
  const reply = await session.http.request('GET', syncPath(since, 0), session.token)
  return readSync(reply.status, reply.body)
}

/** Reads only the token: parsing whole answers would be most of the client's work with 1,000 receivers. */
export function readSync(status: number, text: string): SyncAnswer {
  const nextBatch = /"next_batch":\s*"([^"]+)"/.exec(text)?.[1]
  if (status !== 200 || nextBatch === undefined) throw new Error(`sync: ${status} ${text.slice(0, 200)}`)
  return { text, nextBatch }
}

const LIST = {
  ranges: [[0, 19]],
  timeline_limit: 1,
  required_state: [
    ['m.room.create', ''],
    ['m.room.name', ''],
    ['m.room.encryption', ''],
    ['m.room.member', '$LAZY'],
  ],
}

/** One request of sliding sync that does not wait, for the 20 rooms that moved last, as a client's room list. */
export async function slideNow(session: Session, conn: string, pos?: string): Promise<SyncAnswer> {
  const at = pos === undefined ? '' : `&pos=${encodeURIComponent(pos)}`
  const path = `/_matrix/client/unstable/org.matrix.simplified_msc3575/sync?timeout=0${at}`
  const body = JSON.stringify({ conn_id: conn, lists: { rooms: LIST } })
  const reply = await session.http.request('POST', path, session.token, body)
  const nextBatch = /"pos":\s*"([^"]+)"/.exec(reply.body)?.[1]
  if (reply.status !== 200 || nextBatch === undefined)
    throw new Error(`sliding sync: ${reply.status} ${reply.body.slice(0, 200)}`)
  return { text: reply.body, nextBatch }
}

const LATE_LIMIT_MS = 10_000

/**
 * Asks from a token on until everything marked has been seen, as a client does.
 * Its time is then the time until the user has all of the news, however many answers brought it.
 */
export async function askUntil(
  ask: (since: string) => Promise<SyncAnswer>,
  since: string,
  markers: readonly string[],
): Promise<{ nextBatch: string; time: number }> {
  const start = performance.now()
  let missing = markers
  let nextBatch = since
  do {
    const answer = await ask(nextBatch)
    nextBatch = answer.nextBatch
    missing = missing.filter((marker) => !answer.text.includes(marker))
  } while (missing.length > 0 && performance.now() - start < LATE_LIMIT_MS)
  if (missing.length > 0)
    throw new Error(`${missing.length} of ${markers.length} messages did not come by sync`)
  return { nextBatch, time: performance.now() - start }
}

/** Runs `work` for 0…count-1, `width` at a time, and keeps the order of the results. */
export async function inParallel<T>(
  count: number,
  width: number,
  work: (index: number) => Promise<T>,
): Promise<T[]> {
  const results = new Array<T>(count)
  let next = 0
  const lane = async () => {
    for (let index = next++; index < count; index = next++) results[index] = await work(index)
  }
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane))
  return results
}

const KEY_ALGORITHM = 'bench_curve25519'

/** Uploads one-time keys of fresh names. */
export async function uploadKeys(session: Session, count: number): Promise<void> {
  const name = uniqueMarker()
  const keys = Array.from({ length: count }, (_, i) => [
    `${KEY_ALGORITHM}:${name}x${i}`,
    'a key of the bench',
  ])
  await call(session.http, 'POST', `${V3}/keys/upload`, session.token, {
    one_time_keys: Object.fromEntries(keys),
  })
}

/** Claims a key of the owner's device. Answers whether it was given one. */
export async function claimKey(session: Session, { userId, deviceId }: Session): Promise<boolean> {
  const answer = await call<{ one_time_keys: Record<string, unknown> }>(
    session.http,
    'POST',
    `${V3}/keys/claim`,
    session.token,
    { one_time_keys: { [userId]: { [deviceId]: KEY_ALGORITHM } } },
  )
  return answer.one_time_keys[userId] !== undefined
}

/** One to-device message, for the other's one device; its content is the marker. */
export async function sendToDevice(
  session: Session,
  { userId, deviceId }: Session,
  marker: string,
): Promise<void> {
  const messages = { [userId]: { [deviceId]: { marker } } }
  await call(session.http, 'PUT', `${V3}/sendToDevice/m.dummy/${marker}`, session.token, { messages })
}

/** Uploads a text as media. Answers its server and id, `<server name>/<media id>`. */
export async function uploadMedia({ http, token }: Session, text: string): Promise<string> {
  const { status, body } = await http.request('POST', '/_matrix/media/v3/upload', token, text, 'text/plain')
  const uri = /"content_uri":\s*"mxc:\/\/([^"]+)"/.exec(body)?.[1]
  if (status !== 200 || uri === undefined) throw new Error(`upload: ${status} ${body.slice(0, 200)}`)
  return uri
}

/** Downloads media whole. @throws Error where it is not as long as it was */
export async function downloadMedia({ http, token }: Session, place: string, length: number): Promise<void> {
  const { status, body } = await http.request('GET', `/_matrix/client/v1/media/download/${place}`, token)
  if (status !== 200 || body.length !== length) {
    throw new Error(`download: ${status}, ${body.length} of ${length} bytes`)
  }
}
