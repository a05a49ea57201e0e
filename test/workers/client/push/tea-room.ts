/** For each test: Alice and Bob in a room named Tea, Bob with his name as display name, and a push gateway. */
import { beforeEach, expect } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { pusherOf, pushGateway } from '../../../support/push-gateway.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

export const soon = { timeout: 15_000 }

/** The people are new for each test; so are `here.room` and `here.pushkey`, of which Alice may set a pusher. */
export function teaRoom() {
  const gateway = pushGateway()
  const { server, http, someone } = serving([], { presence: 'off', 'allow-private-networks': 'on' })
  const [alice, bob] = [{} as Client, {} as Client]
  const here = { room: '', pushkey: '' }
  let users = 0
  beforeEach(async () => {
    users += 1
    Object.assign(alice, await http.register(`alice${users}`))
    Object.assign(bob, await http.register(`bob${users}`))
    must(await bob.put(`/profile/${encodeURIComponent(bob.userId)}/displayname`, { displayname: 'Bob' }))
    here.pushkey = `key${users}`
    here.room = await alice.createRoom({ preset: 'public_chat', name: 'Tea' })
    must(await bob.join(here.room))
  })

  const inRoom = (query: string, room = here.room) =>
    server.sql('ROOM', objectName.room(server.serverName, room), query)
  const inUser = (query: string) =>
    server.sql('USER', objectName.user(server.serverName, alice.userId), query)
  /** Waits until the room knows that somebody has a pusher. */
  const watched = () => expect.poll(() => inRoom('SELECT user_id FROM push_members'), soon).not.toEqual([])
  const set = async (data: Body = {}) => {
    const url = gateway.url()
    must(await alice.post('/pushers/set', pusherOf(gateway, here.pushkey, { data: { url, ...data } })))
    await watched()
  }
  const got = () => gateway.got(here.pushkey)
  /** Without the numbers that come alone. */
  const ofEvents = () => got().filter(({ event_id }) => event_id !== undefined)
  const bodies = () => ofEvents().map(({ content }) => content?.body)
  const events = () => gateway.events(here.pushkey)
  const ignore = async (userId: string) => {
    const path = `/user/${encodeURIComponent(alice.userId)}/account_data/m.ignored_user_list`
    must(await alice.put(path, { ignored_users: { [userId]: {} } }))
  }
  return {
    ...{ gateway, server, someone, alice, bob, here },
    ...{ inRoom, inUser, watched, set, got, ofEvents, bodies, events, ignore },
  }
}
