/** What people read on the earlier server, and must read alike on a later one. */
import { type Body, inPath, mustAsk } from './ask.ts'
import { ALIAS, type Filled } from './fill.ts'

export interface Reading {
  by: 'alice' | 'bob'
  method: string
  path: string
  body?: unknown
  answer: Body
}

/** What is asked on both servers, and must be answered alike. */
export function questions(filled: Filled): Omit<Reading, 'answer'>[] {
  const { alice, bob, room, publicRoom, space, root, redacted, newest, since, mxc, backupVersion, filterId } =
    filled
  const inRoom = `/rooms/${inPath(room)}`
  const paths = {
    alice: [
      '/account/whoami',
      '/joined_rooms',
      '/sync?timeout=0',
      `/sync?timeout=0&since=${inPath(since)}`,
      `/sync?timeout=0&filter=${inPath(filterId)}`,
      `${inRoom}/state`,
      `${inRoom}/members`,
      `${inRoom}/messages?dir=b&limit=100`,
      `${inRoom}/messages?dir=f&limit=100&from=${inPath(since)}`,
      `${inRoom}/event/${inPath(redacted)}`,
      `${inRoom}/context/${inPath(root)}?limit=4`,
      `/_matrix/client/v1${inRoom}/relations/${inPath(root)}`,
      `/_matrix/client/v1${inRoom}/threads`,
      `/_matrix/client/v1/rooms/${inPath(space)}/hierarchy`,
      `/rooms/${inPath(publicRoom)}/state`,
      `/rooms/${inPath(publicRoom)}/aliases`,
      '/publicRooms',
      `/directory/room/${inPath(ALIAS)}`,
      `/profile/${alice.userId}`,
      `/user/${alice.userId}/account_data/org.example.pattern`,
      `/user/${alice.userId}/rooms/${inPath(room)}/tags`,
      `/user/${alice.userId}/rooms/${inPath(room)}/account_data/org.example.shed`,
      '/pushrules/',
      '/pushers',
      '/notifications',
      '/room_keys/version',
      `/room_keys/keys?version=${backupVersion}`,
      '/devices',
      `/_matrix/client/v1/media/download/${mxc.slice('mxc://'.length)}`,
    ],
    bob: [
      '/account/whoami',
      '/joined_rooms',
      '/devices',
      '/pushrules/',
      `${inRoom}/event/${inPath(newest)}`,
      `${inRoom}/joined_members`,
      `/rooms/${inPath(filled.laterRoom)}/state`,
    ],
  }
  const gets = (['alice', 'bob'] as const).flatMap((by) =>
    paths[by].map((path) => ({ by, method: 'GET', path })),
  )
  const search = { search_categories: { room_events: { search_term: 'edge' } } }
  const keys = { device_keys: { [alice.userId]: [], [bob.userId]: [] } }
  return [
    ...gets,
    { by: 'bob', method: 'POST', path: '/keys/query', body: keys },
    { by: 'alice', method: 'POST', path: '/search', body: search },
  ]
}

/** The questions with their answers. */
export async function readings(url: string, filled: Filled): Promise<Reading[]> {
  const answered: Reading[] = []
  for (const question of questions(filled)) {
    const { by, method, path, body } = question
    answered.push({ ...question, answer: await mustAsk(url, filled[by], method, path, body) })
  }
  return answered
}
