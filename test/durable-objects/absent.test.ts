/** What is answered of rooms and users that nobody made: the same as of those that show the asker nothing. */
import { beforeAll, expect, it } from 'vitest'
import type { Answer } from '../support/client.ts'
import { serving } from '../support/serving.ts'

const NOBODY = '@nobody:test.example'
const INVENTED = '!nowhere:test.example'

const { alice, stranger } = serving(['alice', 'stranger'])
let strangersRoom: string

beforeAll(async () => {
  strangersRoom = await stranger.createRoom({ preset: 'private_chat' })
})

type Ask = (room: string) => Promise<Answer>

const OF_ROOMS: Record<string, Ask> = {
  messages: (room) => alice.get(`/rooms/${room}/messages`, { dir: 'b' }),
  threads: (room) => alice.get(`/_matrix/client/v1/rooms/${room}/threads`),
  'the event of a time': (room) =>
    alice.get(`/_matrix/client/v1/rooms/${room}/timestamp_to_event`, { ts: 1, dir: 'f' }),
  'initial sync': (room) => alice.get(`/rooms/${room}/initialSync`),
  events: (room) => alice.get('/events', { room_id: decodeURIComponent(room), timeout: 0 }),
  state: (room) => alice.get(`/rooms/${room}/state`),
  'a state event': (room) => alice.get(`/rooms/${room}/state/m.room.name`),
  members: (room) => alice.get(`/rooms/${room}/members`),
  'joined members': (room) => alice.get(`/rooms/${room}/joined_members`),
  typing: (room) => alice.put(`/rooms/${room}/typing/${alice.userId}`, { typing: true, timeout: 1 }),
}

const verdict = ({ status, body }: Answer) => ({ status, errcode: body.errcode })

it.each(Object.entries(OF_ROOMS))(
  '%s of an invented room are refused as those of a room of others',
  async (_, ask) => {
    const [invented, existing] = await Promise.all([INVENTED, strangersRoom].map(encodeURIComponent).map(ask))
    expect(verdict(invented!)).toEqual({ status: 403, errcode: 'M_FORBIDDEN' })
    expect(verdict(invented!)).toEqual(verdict(existing!))
  },
)

it('a summary of an invented room is not found', async () => {
  const path = `/_matrix/client/v1/room_summary/${encodeURIComponent(INVENTED)}`
  expect(verdict(await alice.get(path))).toEqual({ status: 404, errcode: 'M_NOT_FOUND' })
})

it('presence of an invented user is refused as that of a stranger', async () => {
  const [invented, existing] = await Promise.all(
    [NOBODY, stranger.userId].map((userId) => alice.get(`/presence/${encodeURIComponent(userId)}/status`)),
  )
  expect(verdict(invented!)).toEqual({ status: 403, errcode: 'M_FORBIDDEN' })
  expect(verdict(invented!)).toEqual(verdict(existing!))
})

it('a profile of an invented user is not found', async () => {
  const answer = await alice.get(`/profile/${encodeURIComponent(NOBODY)}`)
  expect(verdict(answer)).toEqual({ status: 404, errcode: 'M_NOT_FOUND' })
})

it('an invented room shows its aliases to nobody', async () => {
  const answer = await alice.get(`/rooms/${encodeURIComponent(INVENTED)}/aliases`)
  expect(verdict(answer)).toEqual({ status: 403, errcode: 'M_FORBIDDEN' })
})
