/** A room of Alice and Bob, new for each test, and how much of it is unread. */
import { beforeEach } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

export const counts = (notifications: number, highlights = 0) => ({
  notification_count: notifications,
  highlight_count: highlights,
})

/** The room is `here.room`; Bob's counts are the ones that are read. */
export function countedRoom() {
  const { server, http, alice, bob } = serving(['alice', 'bob'], {
    presence: 'off',
    staysAwake: 'counts calls and rows',
  })
  const here = { room: '' }
  beforeEach(async () => {
    here.room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(here.room))
  })

  const path = (rest: string) => `/rooms/${encodeURIComponent(here.room)}/${rest}`
  const send = async (client: Client, content: Body, type = 'm.room.message'): Promise<string> =>
    must(await client.put(path(`send/${type}/${Math.random()}`), content)).body.event_id
  const countsIn = (body: Body) => body.rooms?.join?.[here.room]?.unread_notifications
  /** The counts as the Room makes them, since the User object has forgotten its own. */
  const fresh = async (client = bob) => {
    await server.evict('USER', objectName.user(server.serverName, client.userId))
    return countsIn(must(await client.sync()).body)
  }
  return { server, http, alice, bob, here, path, send, countsIn, fresh }
}
