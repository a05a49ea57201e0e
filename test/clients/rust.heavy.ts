/** matrix-sdk and matrix-sdk-ui, which Element X stands on: the room list and the encryption, each by sliding sync. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { api, testPassword } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { built, hasCargo, RustClient } from './rust-client.ts'

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
    const start = (user: string) => {
      const client = new RustClient(program, server.url, user, testPassword, join(folder, user))
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
      expect(await bob.room(room, ({ invited }) => invited)).toMatchObject({
        name: 'Weavers',
        encrypted: true,
      })
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
