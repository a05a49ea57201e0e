/** NUL, which Postgres holds in no text: it is looked for like any other character, and found nowhere. */
import { beforeAll, expect, it } from 'vitest'
import type { Answer } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { http, alice } = serving(['alice'], {
  registration: 'open',
  'registration-shared-secret': 'x',
})
let roomId: string

beforeAll(async () => {
  roomId = await alice.createRoom()
})

const NUL = String.fromCharCode(0)
const room = (rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`
const v1 = '/_matrix/client/v1'

type Told = [status: number, errcode?: string]

/** Text is text. */
const TAKEN: Told = [200]
/** No user, room or alias has such a name. */
const NOT_A_NAME: Told = [400, 'M_INVALID_PARAM']

const REQUESTS: [string, Told, (nul: string) => Promise<Answer>][] = [
  [
    'login',
    [403, 'M_FORBIDDEN'],
    (nul) => http.request('POST', '/login', { type: 'm.login.password', user: nul, password: nul }),
  ],
  [
    'registration',
    [400, 'M_INVALID_USERNAME'],
    (nul) => http.request('POST', '/register', { username: nul, password: 'x' }),
  ],
  [
    'availability',
    [400, 'M_INVALID_USERNAME'],
    (nul) => http.request('GET', '/register/available', undefined, { query: { username: nul } }),
  ],
  [
    'a registration token',
    TAKEN,
    (nul) =>
      http.request('GET', `${v1}/register/m.login.registration_token/validity`, undefined, {
        query: { token: nul },
      }),
  ],
  ['the list of rooms', TAKEN, (nul) => alice.post('/publicRooms', { filter: { generic_search_term: nul } })],
  [
    'the list of rooms by type',
    TAKEN,
    (nul) => alice.post('/publicRooms', { filter: { room_types: [nul] } }),
  ],
  ['the user directory', TAKEN, (nul) => alice.post('/user_directory/search', { search_term: nul })],
  [
    'a search',
    TAKEN,
    (nul) =>
      alice.post('/search', {
        search_categories: { room_events: { search_term: nul } },
      }),
  ],
  [
    'a search by sender',
    NOT_A_NAME,
    (nul) =>
      alice.post('/search', {
        search_categories: { room_events: { search_term: 'x', filter: { senders: [nul] } } },
      }),
  ],
  [
    'a search in a room',
    NOT_A_NAME,
    (nul) =>
      alice.post('/search', {
        search_categories: { room_events: { search_term: 'x', filter: { rooms: [nul] } } },
      }),
  ],
  ['a profile', NOT_A_NAME, (nul) => alice.get(`/profile/${encodeURIComponent(`@${nul}:test.example`)}`)],
  ['an invite', NOT_A_NAME, (nul) => alice.invite(roomId, `@${nul}:test.example`)],
  [
    'an alias',
    NOT_A_NAME,
    (nul) => alice.get(`/directory/room/${encodeURIComponent(`#${nul}:test.example`)}`),
  ],
  [
    'a new alias',
    NOT_A_NAME,
    (nul) => alice.put(`/directory/room/${encodeURIComponent(`#${nul}:test.example`)}`, { room_id: roomId }),
  ],
  ['the alias of a new room', NOT_A_NAME, (nul) => alice.post('/createRoom', { room_alias_name: nul })],
  ['a report', TAKEN, (nul) => alice.post(room('/report'), { reason: nul })],
  [
    'keys',
    [400, 'M_BAD_JSON'],
    (nul) => alice.post('/keys/query', { device_keys: { [`@${nul}:test.example`]: [] } }),
  ],
  [
    'a room of nobody',
    NOT_A_NAME,
    (nul) => alice.get(`/rooms/${encodeURIComponent(`!${nul}:test.example`)}/state`),
  ],
  ['whois', NOT_A_NAME, (nul) => alice.get(`/admin/whois/${encodeURIComponent(`@${nul}:test.example`)}`)],
  ['mutual rooms', NOT_A_NAME, (nul) => alice.get(`${v1}/mutual_rooms`, { user_id: `@${nul}:test.example` })],
  [
    'a name',
    TAKEN,
    (nul) => alice.put(`/profile/${alice.userId}/displayname`, { displayname: `name ${nul}` }),
  ],
  ['a message', TAKEN, (nul) => alice.put(room('/send/m.room.message/1'), { msgtype: 'm.text', body: nul })],
  ['state', TAKEN, (nul) => alice.put(room(`/state/org.example.x/${encodeURIComponent(nul)}`), { a: nul })],
]

it.each(REQUESTS)('in %s is answered %j', async (_, [status, errcode], ask) => {
  for (const nul of [NUL, `a${NUL}b`]) {
    const answer = await ask(nul)
    expect([answer.status, answer.body.errcode]).toEqual([status, errcode])
  }
})
