/** matrix-sdk and matrix-sdk-ui, which Element X stands on: the room list and the encryption, each by sliding sync. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { api, testPassword } from '../support/client.ts'
import { objectName, startServer, type TestServer } from '../support/server.ts'
import { built, hasCargo, RustClient, type ShownNotification } from './rust-client.ts'
import { RustHistory, shownBy } from './rust-history.ts'
import { Wire } from './wire.ts'

const why =
  process.env.RUST_CLIENT !== 'on'
    ? 'it is built only with RUST_CLIENT=on'
    : hasCargo()
      ? undefined
      : 'cargo is not installed'

describe.skipIf(why !== undefined)(
  why ? `a client on matrix-sdk (skipped: ${why})` : 'a client on matrix-sdk',
  () => {
    let program: string
    let folder: string
    let server: TestServer
    const running: RustClient[] = []

    /** The user's client, with the store that the user's last one left. */
    const start = (user: string, device = user, url = server.url) => {
      const client = new RustClient(program, url, user, testPassword, join(folder, device))
      running.push(client)
      return client
    }

    beforeAll(async () => {
      program = built()
      folder = mkdtempSync(join(tmpdir(), 'selvedge-rust-'))
      server = await startServer()
    }, 1_800_000)
    afterAll(async () => {
      await Promise.all(running.map((client) => client.kill()))
      await server?.stop()
      rmSync(folder, { recursive: true, force: true })
    })

    it('talks in an encrypted room, before and after a restart of the server and of itself', async () => {
      const http = api(server)
      await http.register('alice')
      const { userId: bobId } = await http.register('bob')
      const [alice, bob] = [start('alice'), start('bob')]
      await Promise.all([alice.is('running'), bob.is('running')])

      const room = await alice.ask<string>('create', 'Weavers', bobId)
      await bob.room(room, ({ invited, name, encrypted }) => invited && name === 'Weavers' && encrypted)
      await bob.ask('join', room)
      await bob.room(room, ({ invited }) => !invited)
      await alice.room(room, ({ joined_members }) => joined_members === 2)

      await alice.ask('say', room, 'the warp')
      expect(await bob.room(room, ({ unread }) => unread === 1)).toMatchObject({ notifications: 1 })
      expect(await bob.shows(room, 'the warp')).toMatchObject({
        sender: '@alice:test.example',
        encrypted: true,
      })
      await bob.ask('read', room)
      await bob.room(room, ({ unread, notifications }) => unread === 0 && notifications === 0)
      await bob.ask('say', room, 'the weft')
      await alice.shows(room, 'the weft')

      await server.restart()
      await Promise.all([alice.is('running'), bob.is('running')])
      await alice.ask('say', room, 'after the restart')
      await bob.shows(room, 'after the restart')

      await bob.kill()
      await alice.ask('say', room, 'while Bob is away')
      const again = start('bob')
      await again.room(room, ({ unread }) => unread === 2)
      expect(await again.shows(room, 'while Bob is away')).toMatchObject({ encrypted: true })
      expect(await again.shows(room, 'the warp')).toMatchObject({ encrypted: true })
      await again.ask('say', room, 'back again')
      await alice.shows(room, 'back again')
    }, 300_000)

    it('shows a push, who is typing and who has read, and reads on two devices', async () => {
      const http = api(server)
      const erin = await http.register('erin')
      const { userId: frankId } = await http.register('frank')
      const [hers, his, other] = [start('erin'), start('frank'), start('frank', 'other')]
      await Promise.all([hers.is('running'), his.is('running'), other.is('running')])

      const room = await hers.ask<string>('direct', frankId)
      await his.room(room, ({ invited, name }) => invited && name === 'erin')
      const { body: invite } = await erin.get(`/rooms/${room}/state/m.room.member/${frankId}`, {
        format: 'event',
      })
      expect(await his.ask('notification', room, invite.event_id)).toMatchObject({
        content: { membership: 'invite' },
        sender: 'erin',
      })
      await his.ask('join', room)
      for (const client of [hers, his, other]) {
        await client.room(room, ({ invited, joined_members }) => !invited && joined_members === 2)
      }

      const secret = await hers.ask<string>('say', room, 'the secret')
      expect(await his.ask<ShownNotification>('notification', room, secret)).toMatchObject({
        content: { body: 'the secret' },
        sender: 'erin',
        room: 'erin',
        noisy: true,
      })
      for (const client of [his, other]) {
        await client.room(room, ({ unread, notifications }) => unread === 1 && notifications === 1)
      }
      await his.shows(room, 'the secret')
      await his.ask('read', room)
      await other.room(room, ({ unread, notifications }) => unread === 0 && notifications === 0)
      await hers.shows(room, 'the secret', ({ receipts }) => receipts.includes(frankId))

      const typists = his.ask<string[]>('typists', room)
      await erin.put(`/rooms/${room}/typing/${erin.userId}`, { typing: true, timeout: 20_000 })
      expect(await typists).toEqual([erin.userId])
    }, 300_000)

    it('goes on after a time without a net, and when the server has forgotten its connections', async () => {
      const http = api(server)
      const grace = await http.register('grace')
      const heidi = await http.register('heidi')
      const room = await grace.createRoom({ name: 'Loom', invite: [heidi.userId] })
      await heidi.join(room)
      const wire = new Wire(server.url)
      await wire.lay()
      try {
        const client = start('heidi', 'heidi', wire.url)
        await client.room(room, ({ invited }) => !invited)
        await grace.say(room, 'before')
        await client.shows(room, 'before')
        await wire.cut()
        await client.is('offline')
        await grace.say(room, 'meanwhile')
        await wire.lay()
        await client.is('running')
        await client.shows(room, 'meanwhile')

        const user = objectName.user(server.serverName, heidi.userId)
        await server.evict('USER', user)
        await server.sql('USER', user, 'DELETE FROM connections')
        await grace.say(room, 'to a stranger')
        await client.shows(room, 'to a stranger')
        expect(await server.sql('USER', user, 'SELECT DISTINCT conn_id FROM connections ORDER BY 1')).toEqual(
          [{ conn_id: 'encryption' }, { conn_id: 'room-list' }],
        )
        expect(await client.room(room, ({ unread }) => unread === 3)).toMatchObject({ notifications: 3 })
      } finally {
        await wire.cut()
      }
    }, 300_000)

    it.each([7, 11])(
      'ends with the same rooms as /sync, in history %i',
      async (seed) => {
        const http = api(server)
        const user = await http.register(`user${seed}`)
        const others = await Promise.all([1, 2, 3].map((n) => http.register(`other${seed}-${n}`)))
        const history = new RustHistory(seed, server, { user, others }, (device) =>
          start(`user${seed}`, `${device}${seed}`),
        )
        await history.begin()
        for (let step = 0; step < 150; step += 1) await history.happen()
        const expected = await history.oracle()
        expect(Object.keys(expected).length).toBeGreaterThan(5)
        for (const client of history.clients) {
          await expect
            .poll(async () => shownBy(await client.ask('rooms')), { timeout: 60_000 })
            .toEqual(expected)
        }
      },
      300_000,
    )

    it('shows all of many rooms, the newest first', async () => {
      const http = api(server)
      const carol = await http.register('carol')
      const dave = await http.register('dave')
      const ids: string[] = []
      for (let n = 0; n < 45; n++)
        ids.push(await carol.createRoom({ name: `Room ${n}`, invite: [dave.userId] }))
      for (const id of ids) await dave.join(id)
      const client = start('carol')
      await client.rooms((rooms) => rooms.length === ids.length)
      await dave.say(ids[3]!, 'carol: up')
      const first = await client.rooms(([top]) => top?.id === ids[3] && top?.notifications === 1)
      expect(first[0]).toMatchObject({ name: 'Room 3', joined_members: 2 })
      await carol.post(`/rooms/${ids[4]}/leave`)
      await client.rooms((rooms) => rooms.length === ids.length - 1 && rooms.every(({ id }) => id !== ids[4]))
    }, 300_000)
  },
)
