/** Which events of a user’s own mean that they have read the room. */
import { describe, expect, it } from 'vitest'
import { type Body, must } from '../../../support/client.ts'
import { objectName } from '../../../support/server.ts'
import { countedRoom, counts } from './counted-room.ts'

const { server, alice, bob, here, path, send, countsIn, fresh } = countedRoom()

describe('an event that the server makes for a user', () => {
  const profile = (field: string, value: string) =>
    bob.put(`/profile/${encodeURIComponent(bob.userId)}/${field}`, { [field]: value })
  const state = async (type: string, key = '') =>
    must(await bob.get(path(`state/${type}/${encodeURIComponent(key)}`))).body
  const ownMember = () => state('m.room.member', bob.userId)
  const soon = { timeout: 15_000 }
  let alias = ''

  const made: [string, () => Promise<void>][] = [
    [
      'a new name',
      async () => {
        const name = `Bob ${Math.random()}`
        must(await profile('displayname', name))
        await expect.poll(async () => (await ownMember()).displayname, soon).toBe(name)
      },
    ],
    [
      'a new picture',
      async () => {
        const url = `mxc://test.example/${Math.floor(Math.random() * 1e9)}`
        must(await profile('avatar_url', url))
        await expect.poll(async () => (await ownMember()).avatar_url, soon).toBe(url)
      },
    ],
    [
      'a member event of their own',
      async () => {
        const member = { membership: 'join', displayname: 'In this room' }
        must(await bob.put(path(`state/m.room.member/${encodeURIComponent(bob.userId)}`), member))
      },
    ],
    [
      'an event whose delay is over',
      async () => {
        const content = { msgtype: 'm.text', body: 'late' }
        const sent = path(`send/m.room.message/d${Math.random()}?org.matrix.msc4140.delay=1`)
        must(await bob.put(sent, content))
        const newest = async () => must(await bob.get(path('messages'), { dir: 'b', limit: 1 })).body.chunk[0]
        await expect.poll(async () => (await newest()).content.body, soon).toBe('late')
      },
    ],
    [
      'an alias that goes out of the room',
      async () => {
        must(await bob.delete(`/directory/room/${encodeURIComponent(alias)}`))
        expect(await state('m.room.canonical_alias')).not.toHaveProperty('alias')
      },
    ],
    ['an upgrade', async () => void must(await bob.post(path('upgrade'), { new_version: '11' }))],
  ]

  it.each(made)('does not count as read by them: %s', async (_, make) => {
    here.room = await bob.createRoom({
      preset: 'public_chat',
      room_alias_name: `bob${Math.floor(Math.random() * 1e9)}`,
    })
    alias = (await state('m.room.canonical_alias')).alias
    must(await alice.join(here.room))
    await alice.say(here.room, 'unread')
    const first = must(await bob.sync()).body
    expect(countsIn(first)).toEqual(counts(1))
    await make()
    const later = must(await bob.sync({ since: first.next_batch })).body
    expect(countsIn(later) ?? counts(1)).toEqual(counts(1))
    expect(await fresh()).toEqual(counts(1))
    await server.evict('USER', objectName.user('test.example', bob.userId))
    expect(await fresh()).toEqual(counts(1))
    const { notifications } = must(await bob.get('/notifications', { limit: 50 })).body
    const [read] = notifications.filter(({ room_id }: Body) => room_id === here.room)
    expect(read).toMatchObject({ read: false, event: { content: { body: 'unread' } } })
  })

  it('leaves that to what the user sends: messages, state and redactions', async () => {
    here.room = await bob.createRoom({ preset: 'public_chat' })
    must(await alice.join(here.room))
    const own = await bob.say(here.room, 'own')
    const sends = [
      () => send(bob, { body: 'x' }, 'org.example.custom'),
      async () => must(await bob.put(path('state/m.room.topic/'), { topic: 'x' })),
      async () => must(await bob.put(path(`redact/${encodeURIComponent(own)}/r`), {})),
    ]
    for (const one of sends) {
      await alice.say(here.room, 'unread')
      expect(await fresh()).toEqual(counts(1))
      await one()
      expect(await fresh()).toEqual(counts(0))
    }
  })
})
