/** Finding people, and the rooms shared with them. */
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { eventually } from '../../../support/eventually.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice, bob, carol, dora } = serving(['alice', 'bob', 'carol', 'dora'])

beforeAll(async () => {
  // The name of a new user comes with the archive; one that changes is there at once.
  const names = "select user_id from user_records where kind = 'profile' and key = 'displayname'"
  await eventually(
    () => server.pg(names),
    (rows) => rows.length === 4,
  )
})

const memberPath = (roomId: string, { userId }: Client) =>
  `/rooms/${encodeURIComponent(roomId)}/state/m.room.member/${encodeURIComponent(userId)}`

async function bearName(client: Client, roomId: string, name: string): Promise<void> {
  must(await client.put(memberPath(roomId, client), { membership: 'join', displayname: name }))
}

const find = async (who: Client, term: string, limit?: number) =>
  must(await who.post('/user_directory/search', { search_term: term, limit })).body
const found = (body: Body) => body.results.map((user: Body) => user.user_id)

const finds = (who: Client, term: string, expected: Client[]) =>
  vi.waitFor(async () => expect(found(await find(who, term))).toEqual(expected.map(({ userId }) => userId)), {
    timeout: 5000,
    interval: 50,
  })

describe('the user directory', () => {
  it('finds users that share a room, by parts of name and id, whatever their case and accents', async () => {
    const roomId = await alice.createRoom({ invite: [bob.userId] })
    await bob.join(roomId)
    await bearName(bob, roomId, 'Bøb Späth')
    for (const term of ['späth', 'SPATH', 'bob', '@bob:test.example', 'pät', 'spath bob']) {
      await finds(alice, term, [bob])
    }
    expect((await find(alice, 'späth')).results).toEqual([{ user_id: bob.userId, display_name: 'bob' }])
    expect(found(await find(carol, 'späth'))).toEqual([])
    await bob.post(`/rooms/${encodeURIComponent(roomId)}/leave`)
    await finds(alice, 'späth', [])
  })

  it.each([
    ['that anybody may join', { preset: 'public_chat' }],
    [
      'that anybody may read',
      {
        initial_state: [
          { type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } },
        ],
      },
    ],
  ])('finds who is in a room %s', async (_, body) => {
    const name = `Zephyr ${Object.keys(body)[0]}`
    const roomId = await dora.createRoom(body)
    await bearName(dora, roomId, name)
    await finds(carol, name, [dora])
    await dora.post(`/rooms/${encodeURIComponent(roomId)}/leave`)
    await finds(carol, name, [])
  })

  it('hides a name that is used only in a room of others', async () => {
    const open = await dora.createRoom({ preset: 'public_chat' })
    const closed = await dora.createRoom({ invite: [alice.userId] })
    must(await alice.join(closed))
    await bearName(dora, open, 'Quokka Public')
    await bearName(dora, closed, 'Quokka Secret')
    await finds(carol, 'quokka', [dora])
    expect(found(await find(alice, 'quokka secret'))).toEqual([dora.userId])
    expect(found(await find(dora, 'quokka secret'))).toEqual([])
    expect((await find(carol, 'quokka')).results[0].display_name).toBe('dora')
    expect(found(await find(carol, 'quokka secret'))).toEqual([])
  })

  it('shows and finds the profile, whatever name is used in the shared rooms', async () => {
    const [friend, user] = [await http.register('friend'), await http.register('numbat')]
    const setProfile = (key: string, value: string) =>
      user.put(`/profile/${encodeURIComponent(user.userId)}/${key}`, { [key]: value })
    const roomId = await friend.createRoom({ invite: [user.userId] })
    must(await user.join(roomId))
    must(await setProfile('displayname', 'Wömbat Cooper'))
    must(await setProfile('avatar_url', 'mxc://test.example/public'))
    const shown = {
      user_id: user.userId,
      display_name: 'Wömbat Cooper',
      avatar_url: 'mxc://test.example/public',
    }
    const own = { membership: 'join', displayname: 'Freddy', avatar_url: 'mxc://test.example/private' }
    must(await user.put(memberPath(roomId, user), own))
    for (const term of ['wombat', 'numbat', 'freddy']) {
      await finds(friend, term, [user])
      expect((await find(friend, term)).results).toEqual([shown])
    }
    must(await setProfile('displayname', 'Quoll'))
    must(await user.put(memberPath(roomId, user), own))
    expect((await find(friend, 'quoll')).results).toEqual([{ ...shown, display_name: 'Quoll' }])
    expect(found(await find(friend, 'wombat'))).toEqual([])
    must(await setProfile('displayname', ''))
    must(await user.put(memberPath(roomId, user), own))
    await finds(friend, 'freddy', [user])
    expect((await find(friend, 'numbat')).results).toEqual([{ ...shown, display_name: 'Freddy' }])
    expect(found(await find(friend, 'quoll'))).toEqual([])
  })

  it('puts exact names first, then beginnings, and says when there are more', async () => {
    const names = ['Xan', 'Xander', 'Alexander']
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    const people = [bob, carol, dora]
    for (const [index, person] of people.entries()) {
      must(await person.join(roomId))
      await bearName(person, roomId, names[2 - index]!)
    }
    await finds(alice, 'xan', [dora, carol, bob])
    const cut = await find(alice, 'xan', 2)
    expect([found(cut), cut.limited]).toEqual([[dora.userId, carol.userId], true])
    expect((await find(alice, 'xan', 3)).limited).toBe(false)
  })

  it('has no patterns, and finds nobody by an empty term', async () => {
    expect(await find(alice, 'x_n')).toEqual({ results: [], limited: false })
    expect(await find(alice, '%')).toEqual({ results: [], limited: false })
    expect(await find(alice, '  ')).toEqual({ results: [], limited: false })
    expect(await find(alice, 'a\0')).toEqual({ results: [], limited: false })
  })

  it.each([
    ['no term', {}, 'M_MISSING_PARAM'],
    ['a term that is no text', { search_term: 5 }, 'M_BAD_JSON'],
    ['a negative limit', { search_term: 'a', limit: -1 }, 'M_INVALID_PARAM'],
  ])('refuses %s', async (_, body, errcode) => {
    const answer = await alice.post('/user_directory/search', body)
    expect([answer.status, answer.body.errcode]).toEqual([400, errcode])
  })
})

describe('mutual rooms', () => {
  const path = '/_matrix/client/v1/mutual_rooms'
  const unstable = '/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms'
  let eve: Client
  let finn: Client

  beforeAll(async () => {
    eve = await http.register('eve')
    finn = await http.register('finn')
  })

  it('are the rooms that both have joined', async () => {
    const shared = await eve.createRoom({ preset: 'public_chat' })
    await finn.join(shared)
    await eve.createRoom({ invite: [finn.userId] })
    const left = await eve.createRoom({ preset: 'public_chat' })
    await finn.join(left)
    await finn.post(`/rooms/${encodeURIComponent(left)}/leave`)
    await vi.waitFor(async () => {
      const { body } = await eve.get(path, { user_id: finn.userId })
      expect(body).toEqual({ joined: [shared], count: 1 })
    })
    expect((await finn.get(unstable, { user_id: eve.userId })).body).toEqual({ joined: [shared], count: 1 })
  })

  it('come in pages', async () => {
    const rows = Array.from(
      { length: 150 },
      (_, index) => `!page${String(index).padStart(3, '0')}:test.example`,
    )
    for (const { userId } of [alice, finn]) {
      await server.pg(
        `insert into room_memberships (room_id, user_id, membership, event_id, pos)
         select room_id, $1, 'join', '$e', 1 from jsonb_array_elements_text($2::jsonb) as room_id`,
        [userId, JSON.stringify(rows)],
      )
    }
    const first = (await alice.get(path, { user_id: finn.userId })).body
    expect([first.joined.length, first.count]).toEqual([100, 150])
    const second = (await alice.get(path, { user_id: finn.userId, from: first.next_batch })).body
    expect([...first.joined, ...second.joined]).toEqual(rows)
    expect(second.next_batch).toBeUndefined()
    const old = (await alice.get(unstable, { user_id: finn.userId })).body
    const oldSecond = (await alice.get(unstable, { user_id: finn.userId, batch_token: old.next_batch_token }))
      .body
    expect(oldSecond.joined).toEqual(second.joined)
    // No object knows of these rooms.
    await server.pg("delete from room_memberships where room_id like '!page%'")
  })

  it('with an unknown user are none', async () => {
    const { body } = must(await eve.get(path, { user_id: '@nobody:test.example' }))
    expect(body).toEqual({ joined: [], count: 0 })
  })

  it.each([
    ['oneself', () => ({ user_id: eve.userId }), 'M_INVALID_PARAM'],
    ['no user id', () => ({ user_id: 'finn' }), 'M_INVALID_PARAM'],
    ['an id of an old grammar', () => ({ user_id: '@Finn:test.example' }), 'M_INVALID_PARAM'],
    ['nobody', () => ({}), 'M_MISSING_PARAM'],
    ['a token never given', () => ({ user_id: '@finn:test.example', from: 'x' }), 'M_INVALID_PARAM'],
  ])('with %s are refused', async (_, query, errcode) => {
    const { status, body } = await eve.get(path, query())
    expect([status, body.errcode]).toEqual([400, errcode])
  })
})
