/** A tiny client of the Client-Server API: answers status and body, and judges nothing. */
import { watchAnswer } from '../contract/watch.ts'
import { asRequest } from './between-requests.ts'
import type { TestServer } from './server.ts'

/** A JSON body as tests look into it. */
// biome-ignore lint/suspicious/noExplicitAny: tests walk through answers of every shape, and assert what they find
export type Body = any

export interface Answer {
  status: number
  body: Body
  headers: Headers
}

export type Query = Record<string, string | number | boolean | undefined>

export interface RequestOptions {
  query?: Query
  token?: string
  headers?: Record<string, string>
  /** A body that is not JSON, sent as it is. */
  raw?: string | Uint8Array
  signal?: AbortSignal
}

export interface Client {
  userId: string
  token: string
  deviceId: string
  get(path: string, query?: Query): Promise<Answer>
  put(path: string, body?: unknown): Promise<Answer>
  post(path: string, body?: unknown): Promise<Answer>
  delete(path: string, body?: unknown): Promise<Answer>
  sync(query?: Query, signal?: AbortSignal): Promise<Answer>
  /** Makes a room and answers its id. */
  createRoom(body?: Body): Promise<string>
  join(roomIdOrAlias: string): Promise<Answer>
  invite(roomId: string, userId: string): Promise<Answer>
  /** Sends a text message and answers its event id. */
  say(roomId: string, text: string, txnId?: string): Promise<string>
}

export interface Api {
  /** Any request; paths without a leading `/_` are taken below `/_matrix/client/v3`. */
  request(method: string, path: string, body?: unknown, options?: RequestOptions): Promise<Answer>
  /** Registers by the one-shot dummy stage. */
  register(name: string, body?: Body): Promise<Client>
  login(name: string, body?: Body): Promise<Client>
  /** A client for credentials that are known already. */
  as(credentials: { userId: string; token: string; deviceId: string }): Client
}

/** The password that `register` sets and `login` uses. */
export const testPassword = 'correct horse battery staple'

/** What proves a user by the password that `register` sets, in interactive authentication. */
export const proof = (user: string, more: Body = {}): Body => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user },
  password: testPassword,
  ...more,
})

/** A sync answer without news, for a device that has published no keys. */
export const silence = (token: string): Body => ({
  next_batch: token,
  device_one_time_keys_count: { signed_curve25519: 0 },
  device_unused_fallback_key_types: [],
  'org.matrix.msc2732.device_unused_fallback_key_types': [],
})

let transactions = 0

/** A client factory for a server; takes its URL anew at each request. */
export function api(server: Pick<TestServer, 'url'>): Api {
  const request: Api['request'] = (method, path, body, options) =>
    send(server.url, method, path, body, options)
  const as: Api['as'] = (credentials) => clientOf(request, credentials)
  const enter = async (path: string, body: Body): Promise<Client> => {
    const { body: answer } = must(await request('POST', path, body))
    return as({ userId: answer.user_id, token: answer.access_token, deviceId: answer.device_id })
  }
  return {
    request,
    as,
    register: (username, body = {}) =>
      enter('/register', { username, password: testPassword, auth: { type: 'm.login.dummy' }, ...body }),
    login: (user, body = {}) => enter('/login', proof(user, body)),
  }
}

/** The answer, if it is a success. @throws Error showing status and body */
export function must(answer: Answer): Answer {
  if (answer.status >= 200 && answer.status < 300) return answer
  throw new Error(`expected success, got ${answer.status}: ${JSON.stringify(answer.body)}`)
}

function clientOf(
  request: Api['request'],
  credentials: { userId: string; token: string; deviceId: string },
): Client {
  const { token } = credentials
  const get: Client['get'] = (path, query) => request('GET', path, undefined, { token, query })
  const put: Client['put'] = (path, body = {}) => request('PUT', path, body, { token })
  const post: Client['post'] = (path, body = {}) => request('POST', path, body, { token })
  return {
    ...credentials,
    get,
    put,
    post,
    delete: (path, body) => request('DELETE', path, body, { token }),
    sync: (query = {}, signal) => request('GET', '/sync', undefined, { token, query, signal }),
    createRoom: async (body = {}) => must(await post('/createRoom', body)).body.room_id,
    join: (room) => post(`/join/${encodeURIComponent(room)}`),
    invite: (roomId, userId) => post(`/rooms/${encodeURIComponent(roomId)}/invite`, { user_id: userId }),
    async say(roomId, text, txnId) {
      transactions += 1
      const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${txnId ?? `t${transactions}`}`
      return must(await put(path, { msgtype: 'm.text', body: text })).body.event_id
    },
  }
}

async function send(
  base: string,
  method: string,
  path: string,
  body?: unknown,
  { query = {}, token, headers = {}, raw, signal }: RequestOptions = {},
): Promise<Answer> {
  const url = new URL(
    path.startsWith('/_') || path.startsWith('/.') ? path : `/_matrix/client/v3${path}`,
    base,
  )
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value))
  }
  const answer = await asRequest(url, () =>
    fetch(url, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...headers,
      },
      body: raw !== undefined ? (raw as BodyInit) : body === undefined ? undefined : JSON.stringify(body),
      signal,
    }),
  )
  const { status, headers: received } = answer
  const read = parsed(await answer.text())
  watchAnswer({ method, url: url.href, status, contentType: received.get('content-type') ?? '', body: read })
  return { status, body: read, headers: received }
}

function parsed(text: string): Body {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
