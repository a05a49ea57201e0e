/** What is asked of the earlier server before it stops, and of today's: both must answer alike. */
import type { Body } from '../support/client.ts'
import type { Scene } from './scene.ts'

export interface Question {
  by: 'alice' | 'bob'
  method: 'GET' | 'POST'
  path: string
  body?: unknown
}

/** A question with its answer. */
export interface Recorded extends Question {
  answer: Body
}

export function questions(scene: Scene): Question[] {
  const { alice, bob, since, lobby, space, left, delayed, filterId, backupVersion } = scene
  const room = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}/${rest}`
  const own = `/user/${alice.userId}`
  const inLobby = (rest: string) => room(lobby.roomId, rest)
  const leftToo = encodeURIComponent('{"room":{"include_leave":true}}')
  const paths = {
    alice: [
      '/account/whoami',
      '/devices',
      '/joined_rooms',
      '/sync',
      `/sync?since=${since.alice}`,
      `/sync?filter=${filterId}`,
      inLobby('state'),
      inLobby('members'),
      inLobby('aliases'),
      inLobby('messages?dir=b&limit=100'),
      inLobby(`messages?dir=f&limit=100&from=${since.alice}`),
      inLobby(`context/${lobby.root}?limit=4`),
      room(space, 'state'),
      `/_matrix/client/v1${room(space, 'hierarchy')}`,
      `/_matrix/client/v1${inLobby('threads')}`,
      `${own}/account_data/org.example.colour`,
      `${own}/rooms/${encodeURIComponent(lobby.roomId)}/tags`,
      `${own}/rooms/${encodeURIComponent(lobby.roomId)}/account_data/org.example.pin`,
      '/pushrules/',
      '/publicRooms',
      room(delayed.roomId, 'state'),
    ],
    bob: [
      '/account/whoami',
      '/devices',
      '/joined_rooms',
      `/sync?filter=${leftToo}`,
      `/sync?since=${since.bob}`,
      room(left, 'messages?dir=b&limit=100'),
      inLobby(`event/${lobby.redacted}`),
      inLobby(`event/${lobby.edited}`),
      inLobby('joined_members'),
      `/_matrix/client/v1${inLobby(`relations/${lobby.hello}`)}`,
      `/directory/room/${encodeURIComponent(lobby.alias)}`,
      `/profile/${alice.userId}`,
      '/pushrules/',
      '/pushers',
      '/notifications',
      '/room_keys/version',
      `/room_keys/keys?version=${backupVersion}`,
    ],
  }
  const gets = (['alice', 'bob'] as const).flatMap((by) =>
    paths[by].map((path): Question => ({ by, method: 'GET', path })),
  )
  const search = { search_categories: { room_events: { search_term: 'hello' } } }
  const keys = { device_keys: { [alice.userId]: [], [bob.userId]: [] } }
  return [
    ...gets,
    { by: 'alice', method: 'POST', path: '/keys/query', body: keys },
    { by: 'bob', method: 'POST', path: '/search', body: search },
  ]
}

/** What depends on the time of asking, and tokens, which only the server reads. */
const PASSING: ReadonlySet<string> = new Set([
  ...['age', 'last_active_ago', 'last_seen_ip', 'last_seen_ts', 'presence'],
  ...['next_batch', 'prev_batch', 'start', 'end'],
])

/** A later version may have other push rules of its own. */
const isDefaultRule = (value: Body) => value?.default === true && typeof value.rule_id === 'string'

/** An answer without what passes. */
export function lasting(value: Body): Body {
  if (Array.isArray(value)) return value.filter((one) => !isDefaultRule(one)).map(lasting)
  if (value === null || typeof value !== 'object') return value
  const kept = Object.entries(value).filter(([key]) => !PASSING.has(key))
  return Object.fromEntries(kept.map(([key, one]) => [key, lasting(one)]))
}
