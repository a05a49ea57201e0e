/** What the tests of backups share: people who talk without a pause, and the commands as operators run them. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { inRoom } from '../../faults/helpers.ts'
import { api, type Client, must } from '../../support/client.ts'
import { type Ran, runScript } from '../../support/command.ts'
import { eventually } from '../../support/eventually.ts'
import { claimOf, makeDevice } from '../../support/keys.ts'
import { transfersOf } from '../../support/media/transfers.ts'
import { startServer, type TestServer, type TestServerOptions } from '../../support/server.ts'
import { temporaryFolders } from '../folders.ts'

const folders = temporaryFolders(join(tmpdir(), 'selvedge-backup-'))
export const newFolder = folders.make
export const removeFolders = () => folders.remove()

/** A whole server on a folder, with databases of its own. */
export const start = (folder: string, options: TestServerOptions = {}): Promise<TestServer> =>
  startServer({
    'data-dir': folder,
    sql: undefined,
    staysAwake: 'its runtime is held still, and what is evicted cannot be',
    ...options,
  })

export const backup = (folder: string, to: string, ...more: string[]): Promise<Ran> =>
  runScript('backup', ['--data-dir', folder, '--to', to, ...more])
export const restore = (from: string, folder: string, ...more: string[]): Promise<Ran> =>
  runScript('restore', ['--from', from, '--data-dir', folder, ...more])

/** What was acknowledged, in its order. */
export interface Spoken {
  events: string[]
  toDevice: number[]
  claimed: string[]
}

/** Waits until more than so many messages were acknowledged. */
export const spoken = (said: Spoken, count: number): Promise<number> =>
  eventually(
    () => said.events.length,
    (length) => length > count,
    30_000,
  )

export interface Talk {
  alice: Client
  bob: Client
  rooms: string[]
  said: Spoken
  /** Where a client of bob's device stands that goes on receiving. */
  place(): Promise<string>
  stop(): Promise<void>
}

const LANES = 3
export const KEYS = 400

/** Alice talks in rooms, sends messages to bob's device, and claims its keys, each without a pause. */
export async function talk(server: TestServer): Promise<Talk> {
  const http = api(server)
  const [alice, bob] = [await http.register('alice'), await http.register('bob')]
  const device = makeDevice(bob)
  const keys = { device_keys: device.keys, one_time_keys: device.oneTimeKeys(KEYS) }
  must(await bob.post('/keys/upload', keys))
  await transfersOf(server, alice, bob).uploaded('a file')
  const rooms: string[] = []
  for (let lane = 0; lane < LANES; lane += 1) {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    rooms.push(room)
  }
  const said: Spoken = { events: [], toDevice: [], claimed: [] }
  let over = false
  const endlessly = async (work: (n: number) => Promise<void>) => {
    for (let n = 1; !over; n += 1) await work(n)
  }
  const running = [
    ...rooms.map((room, lane) =>
      endlessly(async (n) => {
        said.events.push(await alice.say(room, `${lane}/${n}`))
      }),
    ),
    endlessly(async (n) => {
      const messages = { [bob.userId]: { [bob.deviceId]: { n } } }
      must(await alice.put(`/sendToDevice/m.dummy/n${n}`, { messages }))
      said.toDevice.push(n)
    }),
    endlessly(async () => {
      const { one_time_keys: keys } = must(await alice.post('/keys/claim', claimOf(bob))).body
      said.claimed.push(...Object.keys(keys[bob.userId]?.[bob.deviceId] ?? {}))
    }),
  ]
  // What ends a lane is told by `stop`.
  for (const lane of running) lane.catch(() => {})
  return {
    alice,
    bob,
    rooms,
    said,
    place: async () => must(await http.as(alice).sync()).body.next_batch,
    async stop() {
      over = true
      await Promise.all(running)
    },
  }
}

/** Event ids of a room's messages, with their texts, oldest first. */
export async function messagesIn(client: Client, room: string): Promise<{ id: string; text: string }[]> {
  const found: { id: string; text: string }[] = []
  let from: string | undefined
  do {
    const { body } = must(await client.get(inRoom(room, 'messages'), { dir: 'f', limit: 200, from }))
    for (const { type, event_id: id, content } of body.chunk)
      if (type === 'm.room.message') found.push({ id, text: content.body })
    from = body.end
  } while (from !== undefined)
  return found
}

/** The ids of the rooms' messages, each room a beginning without a hole. */
export async function wholeBeginnings(client: Client, rooms: readonly string[]): Promise<Set<string>> {
  const ids = new Set<string>()
  for (const [lane, room] of rooms.entries()) {
    const messages = await messagesIn(client, room)
    expect(messages.map(({ text }) => text)).toEqual(messages.map((_, n) => `${lane}/${n + 1}`))
    for (const { id } of messages) ids.add(id)
  }
  return ids
}

/** What waits for bob's device, in its order. */
export async function waitingFor(client: Client): Promise<number[]> {
  const found: number[] = []
  let since: string | undefined
  for (;;) {
    const { body } = must(await client.sync({ since }))
    const events = (body.to_device?.events ?? []) as { content: { n: number } }[]
    if (events.length === 0) return found
    found.push(...events.map(({ content }) => content.n))
    since = body.next_batch
  }
}
