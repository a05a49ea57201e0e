/** Times that another server chooses: the order of the rooms goes by them only as far as they are past. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../../support/client.ts'
import { type Guest, guest } from '../../../../support/federation/guest.ts'
import { federating, remote } from '../../../../support/federation/remote.ts'
import { objectName } from '../../../../support/server.ts'
import { serving } from '../../../../support/serving.ts'

const PATH = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'
/** A server's keys are believed for a week ahead, and so are the times of its events. */
const DAY_MS = 24 * 3_600_000

const other = remote()
const { http, alice, server, someone } = serving(['alice'], federating)

let shared: string
let bob: Guest
beforeAll(async () => {
  const keys = () => ({ body: other.serverKeys({ valid_until_ts: Date.now() + 7 * DAY_MS }) })
  other.on('GET', '/_matrix/key/v2/server', keys)
  shared = await alice.createRoom({ room_version: '11', preset: 'public_chat' })
  bob = guest('bob', { http, host: alice, server: other, roomId: shared, version: '11' })
  await bob.join()
})

/** The first room of the list, with all that is told of it. */
async function first(client: Client, pos?: string): Promise<{ roomId: string; room: Body; pos: string }> {
  const lists = { all: { ranges: [[0, 0]], timeline_limit: 1, required_state: [] } }
  const { body } = must(await client.post(pos === undefined ? PATH : `${PATH}?pos=${pos}`, { lists }))
  const [[roomId, room] = ['', {}]] = Object.entries<Body>(body.rooms)
  return { roomId, room, pos: body.pos }
}

const sayFromTheFuture = async () => {
  const event = await bob.make('from the future', { ts: Date.now() + 6 * DAY_MS })
  expect(must(await bob.send([event])).body.pdus).toEqual({ [event.eventId]: {} })
}

describe('an event that says it will be sent in days', () => {
  it('puts its room first until something is said elsewhere', async () => {
    const own = await alice.createRoom()
    const start = await first(alice)
    await sayFromTheFuture()
    const news = await first(alice, start.pos)
    expect(news.roomId).toBe(shared)
    expect(news.room.bump_stamp).toBeLessThanOrEqual(Date.now())
    await alice.say(own, 'now')
    expect((await first(alice, news.pos)).roomId).toBe(own)
  })

  it('puts it first on no new connection, nor after an eviction', async () => {
    const carol = await someone()
    must(await carol.join(shared))
    await sayFromTheFuture()
    const own = await carol.createRoom()
    await carol.say(own, 'now')
    expect((await first(carol)).roomId).toBe(own)
    await server.evict('USER', objectName.user(server.serverName, carol.userId))
    const { roomId, room } = await first(carol)
    expect([roomId, room.bump_stamp <= Date.now()]).toEqual([own, true])
  })
})
