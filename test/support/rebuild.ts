/** Objects that are wiped, and made again from the archive: for the tests of rebuilding. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { type Body, type Client, must } from './client.ts'
import { eventually } from './eventually.ts'
import { type ObjectKind, objectName, type TestServer } from './server.ts'

export const at = (room: string, rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`
export const bodies = (events: Body[]): string[] => events.map(({ content }) => content.body).filter(Boolean)

/** The first 200 events of a room, as a client sees them. */
export async function history(client: Client, room: string): Promise<Body[]> {
  return must(await client.get(at(room, 'messages'), { dir: 'f', limit: 200 })).body.chunk
}

/** Every table is gone, as if the object had never been. */
async function wipe(server: TestServer, kind: ObjectKind, name: string): Promise<void> {
  await server.evict(kind, name)
  const tables = await server.sql(kind, name, "SELECT name FROM sqlite_master WHERE type = 'table'")
  for (const { name: table } of tables) {
    if (!/^(sqlite_|_cf_)/.test(String(table))) await server.sql(kind, name, `DROP TABLE "${table}"`)
  }
  await server.evict(kind, name)
}

/** Waits until the archive has everything that the room's object has: its events, and what its log says beside them. */
export async function archived(server: TestServer, room: string): Promise<void> {
  const name = objectName.room(server.serverName, room)
  const everything = async () => {
    const [row] = await server.sql('ROOM', name, 'SELECT max(pos) AS pos FROM events')
    const [known] = await server.pg('select archived_pos from rooms where room_id = $1', [room])
    const waiting = await server.sql('ROOM', name, 'SELECT 1 FROM log')
    return Number(known?.archived_pos ?? 0) >= Number(row?.pos) && waiting.length === 0
  }
  await eventually(everything, (is) => is)
}

/** Waits until nothing of a user is on its way to the archive. */
export async function archivedUser(server: TestServer, client: Client): Promise<void> {
  const name = objectName.user(server.serverName, client.userId)
  const waiting = () => server.sql('USER', name, 'SELECT seq FROM log')
  await eventually(waiting, (rows) => rows.length === 0)
}

/** As the npm scripts do it: with a token signed by the server's own key. */
export async function rebuild(server: TestServer, kind: 'room' | 'user', id: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      ...['--disable-warning=ExperimentalWarning', 'local/commands/rebuild.ts', kind, id],
      ...['--public-url', server.url, '--server-name', server.serverName, '--data-dir', server.folder],
    ],
    { cwd: projectRoot },
  )
  return stdout
}

/** @param by somebody who is told that the room is gone */
export async function wipeAndRebuildRoom(server: TestServer, room: string, by: Client): Promise<void> {
  await archived(server, room)
  await wipe(server, 'ROOM', objectName.room(server.serverName, room))
  expect((await by.put(at(room, 'state/org.example.x'), {})).status).toBe(404)
  expect(await rebuild(server, 'room', room)).toMatch(/^rebuilt !.*: \d+ events\n$/)
}

export async function wipeAndRebuildUser(server: TestServer, client: Client): Promise<void> {
  await archivedUser(server, client)
  await wipe(server, 'USER', objectName.user(server.serverName, client.userId))
  // Neither 401 nor 403: clients that are told to log out delete their keys.
  expect((await client.sync()).status).toBe(503)
  expect(await rebuild(server, 'user', client.userId)).toMatch(/^rebuilt @.*: \d+ records\n$/)
}
