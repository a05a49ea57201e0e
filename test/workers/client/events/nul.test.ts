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

const REQUESTS: [string, (nul: string) => Promise<Answer>][] = [
  ['login', (nul) => http.request('POST', '/login', { type: 'm.login.password', user: nul, password: nul })],
  ['registration', (nul) => http.request('POST', '/register', { username: nul, password: 'x' })],
  [
    'availability',
    (nul) => http.request('GET', '/register/available', undefined, { query: { username: nul } }),
  ],
  [
    'a registration token',
    (nul) =>
      http.request('GET', `${v1}/register/m.login.registration_token/validity`, undefined, {
        query: { token: nul },
      }),
  ],
  ['the list of rooms', (nul) => alice.post('/publicRooms', { filter: { generic_search_term: nul } })],
  ['the list of rooms by type', (nul) => alice.post('/publicRooms', { filter: { room_types: [nul] } })],
  ['the user directory', (nul) => alice.post('/user_directory/search', { search_term: nul })],
  [
    'a search',
    (nul) =>
      alice.post('/search', {
        search_categories: { room_events: { search_term: nul, filter: { senders: [nul], rooms: [nul] } } },
      }),
  ],
  ['a profile', (nul) => alice.get(`/profile/${encodeURIComponent(`@${nul}:test.example`)}`)],
  ['an invite', (nul) => alice.invite(roomId, `@${nul}:test.example`)],
  ['an alias', (nul) => alice.get(`/directory/room/${encodeURIComponent(`#${nul}:test.example`)}`)],
  [
    'a new alias',
    (nul) => alice.put(`/directory/room/${encodeURIComponent(`#${nul}:test.example`)}`, { room_id: roomId }),
  ],
  ['the alias of a new room', (nul) => alice.post('/createRoom', { room_alias_name: nul })],
  ['a report', (nul) => alice.post(room('/report'), { reason: nul })],
  ['keys', (nul) => alice.post('/keys/query', { device_keys: { [`@${nul}:test.example`]: [] } })],
  ['a room of nobody', (nul) => alice.get(`/rooms/${encodeURIComponent(`!${nul}:test.example`)}/state`)],
  ['whois', (nul) => alice.get(`/admin/whois/${encodeURIComponent(`@${nul}:test.example`)}`)],
  ['mutual rooms', (nul) => alice.get(`${v1}/mutual_rooms`, { user_id: `@${nul}:test.example` })],
  ['a name', (nul) => alice.put(`/profile/${alice.userId}/displayname`, { displayname: `name ${nul}` })],
  ['a message', (nul) => alice.put(room('/send/m.room.message/1'), { msgtype: 'm.text', body: nul })],
  ['state', (nul) => alice.put(room(`/state/org.example.x/${encodeURIComponent(nul)}`), { a: nul })],
]

it.each(REQUESTS)('in %s is no fault of the server', async (_, ask) => {
  for (const nul of [NUL, `a${NUL}b`]) expect((await ask(nul)).status).toBeLessThan(500)
})
