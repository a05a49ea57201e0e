/** What a request has made true, lists and searches show once it has answered, though the archive's timer is far away. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must, testPassword } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { http, alice } = serving(['alice'], { 'archive-delay-ms': '600000' })

const at = (room: string, rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`
let names = 0
/** A word that nothing else holds. */
const word = () => {
  names += 1
  return `zeugma${String.fromCharCode(97 + (names % 26))}${names}`
}
const newcomer = () => http.register(word())

const listed = async (term: string): Promise<Body[]> =>
  must(await alice.post('/publicRooms', { filter: { generic_search_term: term } })).body.chunk
const people = async (by: Client, term: string): Promise<string[]> =>
  must(await by.post('/user_directory/search', { search_term: term })).body.results.map(
    (user: Body) => user.user_id,
  )
const hits = async (by: Client, term: string): Promise<number> => {
  const body = { search_categories: { room_events: { search_term: term } } }
  return must(await by.post('/search', body)).body.search_categories.room_events.results.length
}

describe('the list of rooms', () => {
  it.each(['public_chat', 'private_chat'])('has a new room of preset %s', async (preset) => {
    const name = word()
    const room = await alice.createRoom({ visibility: 'public', preset, name })
    expect(await listed(name)).toMatchObject([{ room_id: room, name }])
  })

  it.each(['public_chat', 'private_chat'])('follows a listed room of preset %s', async (preset) => {
    const [name, topic, user] = [word(), word(), await newcomer()]
    const room = await alice.createRoom({ visibility: 'public', preset, invite: [user.userId] })
    must(await alice.put(at(room, 'state/m.room.name'), { name }))
    must(await alice.put(at(room, 'state/m.room.topic'), { topic }))
    expect(await listed(topic)).toMatchObject([{ room_id: room, name, topic }])
    must(await user.join(room))
    expect(await listed(name)).toMatchObject([{ num_joined_members: 2 }])
    must(await user.post(at(room, 'leave')))
    expect(await listed(name)).toMatchObject([{ num_joined_members: 1 }])
    const { event_id } = must(await alice.put(at(room, 'state/m.room.topic'), { topic: 'bad words' })).body
    must(await alice.put(at(room, `redact/${encodeURIComponent(event_id)}/${word()}`)))
    expect((await listed(name))[0].topic).toBeUndefined()
    must(await alice.put(`/directory/list/room/${encodeURIComponent(room)}`, { visibility: 'private' }))
    expect(await listed(name)).toEqual([])
    must(await alice.put(`/directory/list/room/${encodeURIComponent(room)}`, { visibility: 'public' }))
    expect(await listed(name)).toHaveLength(1)
    must(await alice.post(at(room, 'leave')))
    expect(await listed(name)).toEqual([])
  })

  it('has the new room in the place of one that was upgraded', async () => {
    const name = word()
    const room = await alice.createRoom({ visibility: 'public', name })
    const { replacement_room } = must(await alice.post(at(room, 'upgrade'), { new_version: '12' })).body
    expect(await listed(name)).toMatchObject([{ room_id: replacement_room }])
  })
})

describe('the user directory', () => {
  it('has a user that came into an open room, by their new name, until they leave', async () => {
    const [room, user, name] = [await alice.createRoom({ preset: 'public_chat' }), await newcomer(), word()]
    const stranger = await newcomer()
    must(await user.join(room))
    expect(await people(stranger, user.userId)).toEqual([user.userId])
    must(await user.put(`/profile/${user.userId}/displayname`, { displayname: name }))
    expect(await people(stranger, name)).toEqual([user.userId])
    must(await user.post(at(room, 'leave')))
    expect(await people(stranger, name)).toEqual([])
  })

  it('has a user that shares a room with the searcher, until one of them leaves', async () => {
    const [user, other, name] = [await newcomer(), await newcomer(), word()]
    const room = await user.createRoom({ invite: [other.userId] })
    expect(await people(user, other.userId)).toEqual([])
    must(await other.join(room))
    expect(await people(user, other.userId)).toEqual([other.userId])
    must(await other.put(`/profile/${other.userId}/displayname`, { displayname: name }))
    expect(await people(user, name)).toEqual([other.userId])
    must(await user.post(at(room, 'kick'), { user_id: other.userId }))
    expect(await people(user, name)).toEqual([])
  })

  it.each([
    ['join rules', 'm.room.join_rules', { join_rule: 'public' }, { join_rule: 'invite' }],
    [
      'history visibility',
      'm.room.history_visibility',
      { history_visibility: 'world_readable' },
      { history_visibility: 'shared' },
    ],
  ])('follows %s', async (_, type, open, closed) => {
    const [user, stranger] = [await newcomer(), await newcomer()]
    const room = await user.createRoom()
    expect(await people(stranger, user.userId)).toEqual([])
    must(await user.put(at(room, `state/${type}`), open))
    expect(await people(stranger, user.userId)).toEqual([user.userId])
    must(await user.put(at(room, `state/${type}`), closed))
    expect(await people(stranger, user.userId)).toEqual([])
  })

  it('has no user whose account was closed', async () => {
    const [user, stranger] = [await newcomer(), await newcomer()]
    await user.createRoom({ preset: 'public_chat' })
    expect(await people(stranger, user.userId)).toEqual([user.userId])
    const auth = { type: 'm.login.password', user: user.userId, password: testPassword }
    must(await user.post('/account/deactivate', { auth }))
    expect(await people(stranger, user.userId)).toEqual([])
  })

  it('shows users themselves only where strangers would find them', async () => {
    const user = await newcomer()
    await user.createRoom()
    expect(await people(user, user.userId)).toEqual([])
    await user.createRoom({ preset: 'public_chat' })
    expect(await people(user, user.userId)).toEqual([user.userId])
  })
})

it('a search finds what was said, in however many rooms at once', async () => {
  const [user, said] = [await newcomer(), word()]
  const rooms = await Promise.all(
    Array.from({ length: 15 }, () => alice.createRoom({ preset: 'public_chat' })),
  )
  for (const room of rooms) must(await user.join(room))
  for (const room of rooms) await alice.say(room, said)
  const body = { search_categories: { room_events: { search_term: said, filter: { limit: 50 } } } }
  const { results } = must(await user.post('/search', body)).body.search_categories.room_events
  expect(results).toHaveLength(15)
  expect(await hits(alice, said)).toBe(10)
})

it('mutual rooms are shown at once', async () => {
  const [user, other] = [await newcomer(), await newcomer()]
  const room = await user.createRoom({ invite: [other.userId] })
  const mutual = async () =>
    must(await user.get('/_matrix/client/v1/mutual_rooms', { user_id: other.userId })).body.joined
  expect(await mutual()).toEqual([])
  must(await other.join(room))
  expect(await mutual()).toEqual([room])
  must(await other.post(at(room, 'leave')))
  expect(await mutual()).toEqual([])
})
