/** At the end of a test server: each object is made again from the archive, and must have what it had before. */

import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { readKeys } from '../../../local/keys.ts'
import { issueOperatorToken } from '../../../src/accounts/operator-token.ts'
import { decodeBase64 } from '../../../src/protocol/base64.ts'
import { eventually } from '../eventually.ts'
import { objectName, type TestServer } from '../test-server.ts'
import { type Row, tablesOf, type UnlikeArchive } from './rows.ts'
import type { ArchivedKind } from './tables.ts'

/** Objects of a kind that are looked at: more than a test needs to show what is missing. A late archive is looked at closer. */
const LOOKED_AT = process.env.TEST_EVICTING === 'on' ? 60 : 12
const AT_ONCE = 6
const DONE = 200
const AWAY = 503
/** How long the archive may take to learn the last changes, ms. */
const PATIENCE_MS = 12_000

/** What a table of an object has that its archive has not, or the other way round: a sentence each. */
export async function archiveDifferences(server: TestServer, unlike: UnlikeArchive = {}): Promise<string[]> {
  // Some files end with it stopped.
  server.postgres.start()
  const rebuild = await rebuilder(server)
  const users = (await server.pg('select distinct user_id from user_records')).map(({ user_id }) =>
    String(user_id),
  )
  const rooms = await roomsOf(server, users)
  const found: string[] = []
  await each(rooms, (roomId) => roomIsArchived(server, roomId))
  for (const [kind, ids] of [
    ['USER', users],
    ['ROOM', rooms],
  ] as const) {
    await each(ids, async (id) => {
      found.push(...(await differencesOf(server, { kind, id, unlike, rebuild })))
    })
  }
  return found
}

/** The rooms that the archive knows, and those that a user knows. */
async function roomsOf(server: TestServer, users: readonly string[]): Promise<string[]> {
  const query = 'SELECT room_id FROM rooms'
  const known = [await server.pg(query)]
  await each(users, async (userId) => {
    known.push(await server.sql('USER', objectName.user(server.serverName, userId), query).catch(() => []))
  })
  return [...new Set(known.flat().map(({ room_id: roomId }) => String(roomId)))]
}

async function each(ids: readonly string[], work: (id: string) => Promise<unknown>): Promise<void> {
  const step = Math.ceil(ids.length / LOOKED_AT)
  const queue = ids.filter((_, at) => at % step === 0)
  const worker = async () => {
    for (let id = queue.shift(); id !== undefined; id = queue.shift()) await work(id)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

type Rebuild = (kind: ArchivedKind, id: string) => Promise<void>

async function rebuilder({ folder, serverName, url }: TestServer): Promise<Rebuild> {
  const keys = readKeys(join(folder, 'keys.json'))!.token_keys
  const tokenKeys = keys.map(({ id, secret }) => ({ id, secret: decodeBase64(secret) }))
  const authorization = `Bearer ${await issueOperatorToken(tokenKeys, serverName)}`
  return async (kind, id) => {
    const path = `/_selvedge/admin/rebuild/${kind.toLowerCase()}/${encodeURIComponent(id)}`
    const ask = async () => {
      const answer = await fetch(`${url}${path}`, { method: 'POST', headers: { authorization } })
      return { status: answer.status, text: await answer.text() }
    }
    // On a machine with much to do Postgres may be too late for one of them.
    const { status, text } = await eventually(ask, (answer) => answer.status !== AWAY)
    if (status !== DONE) throw new Error(`${path}: ${status} ${text}`)
  }
}

async function differencesOf(
  server: TestServer,
  { kind, id, unlike, rebuild }: { kind: ArchivedKind; id: string; unlike: UnlikeArchive; rebuild: Rebuild },
): Promise<string[]> {
  const name = objectName[kind === 'ROOM' ? 'room' : 'user'](server.serverName, id)
  await jobsAreDone(server, kind, name)
  const before = await tablesOf(server, kind, name, unlike)
  // The test took the object away.
  if (Object.values(before).every((rows) => rows.length === 0)) return []
  await rebuild(kind, id)
  const after = await tablesOf(server, kind, name, unlike)
  return Object.keys(before).flatMap((table) =>
    differences(`${id}: ${table}`, before[table] ?? [], after[table] ?? []),
  )
}

function differences(where: string, had: readonly Row[], has: readonly Row[]): string[] {
  const without = (rows: readonly Row[], others: readonly Row[]) =>
    rows.filter((row) => !others.some((other) => isDeepStrictEqual(row, other)))
  const [lacks, adds] = [without(had, has), without(has, had)]
  if (lacks.length + adds.length === 0) return []
  const [one, other] = [lacks[0] ?? {}, adds[0] ?? {}]
  const columns = Object.keys({ ...one, ...other }).filter((column) => one[column] !== other[column])
  const show = (row: Row) => {
    const shown = columns.map((column) => [
      column,
      excerpt(row[column], one[column] ?? '', other[column] ?? ''),
    ])
    return JSON.stringify({
      ...Object.fromEntries(Object.entries(row).slice(0, 2)),
      ...Object.fromEntries(shown),
    })
  }
  const more = lacks.length + adds.length > 2 ? `, and ${lacks.length} and ${adds.length} rows in all` : ''
  return [`${where}: the object has ${show(one)}, and the archive ${show(other)}${more}`]
}

/** A value, or from a long one the part where the two begin to differ. */
function excerpt(value: unknown, one: unknown, other: unknown): unknown {
  const [text, a, b] = [value, one, other].map(String) as [string, string, string]
  if (text.length < 100) return value
  let same = 0
  while (same < a.length && a[same] === b[same]) same += 1
  return `…${text.slice(Math.max(0, same - 40), same + 100)}…`
}

async function roomIsArchived(server: TestServer, roomId: string): Promise<void> {
  const name = objectName.room(server.serverName, roomId)
  const query = `SELECT (SELECT count(*) FROM log) + (SELECT count(*) FROM events WHERE pos >
    coalesce((SELECT json_extract(value, '$.archived') FROM meta WHERE key = 'cursors'), 0)) AS waiting`
  await comesTrue(async () => Number((await server.sql('ROOM', name, query))[0]?.waiting ?? 0) === 0)
}

/** Jobs that go through rooms or events change what is compared. */
async function jobsAreDone(server: TestServer, kind: ArchivedKind, name: string): Promise<void> {
  const table = kind === 'ROOM' ? 'erasing' : 'room_jobs'
  await comesTrue(async () => (await server.sql(kind, name, `SELECT 1 FROM ${table} LIMIT 1`)).length === 0)
}

/** Waits for it; what does not come is told by the comparison. */
async function comesTrue(look: () => Promise<boolean>): Promise<void> {
  const isTrue = () => look().catch(() => true)
  await eventually(isTrue, (is) => is, PATIENCE_MS).catch(() => undefined)
}
