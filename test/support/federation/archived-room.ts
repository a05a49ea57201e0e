/** The archive of rooms on Node's SQLite: a room's log goes to a real Postgres, and another room is made of that alone. */
import { join } from 'node:path'
import { projectRoot } from '../../../local/paths.ts'
import type { ArchiveReader, ArchiveStore } from '../../../src/ports/archive.ts'
import { searchDocument } from '../../../src/search/document.ts'
import { postgresArchive } from '../../../src/storage/postgres/archive.ts'
import { postgresArchiveReader } from '../../../src/storage/postgres/archive-reader.ts'
import type { Sql } from '../../../src/storage/postgres/client.ts'
import { TABLE_RULES } from '../archive/tables.ts'
import { standingClock } from '../world.ts'
import { NodeRoom } from './node-room.ts'

const load = async <T>(path: string) => (await import(join(projectRoot, 'durable-objects', path))) as T
const { RoomArchive } = await load<{
  RoomArchive: new (parts: object) => { flush(): Promise<boolean>; isLeft(): boolean }
}>('room/tell/archive.ts')
const { Rebuild } = await load<{ Rebuild: new (parts: object) => { run(roomId: string): Promise<number> } }>(
  'room/write/rebuild/rebuild.ts',
)

/** Which of a room's rows its archive must give back. */
const TABLES = [
  'events',
  'state',
  'members',
  'state_group',
  'state_delta',
  'gaps',
  'staged',
  'early_redactions',
  'judged_contents',
]

export class RoomArchives {
  readonly #archive: ArchiveStore
  readonly #reader: ArchiveReader

  constructor(sql: Sql) {
    this.#archive = postgresArchive(sql, standingClock(), searchDocument)
    this.#reader = postgresArchiveReader(sql)
  }

  /** Tells the archive what it lacks. */
  archiverOf({ store }: NodeRoom): { flush(): Promise<boolean> } {
    const parts = { store, archive: this.#archive, woken: () => 0, streamed: () => undefined, now: () => 0 }
    return new RoomArchive(parts)
  }

  /** A room of the same server, made of the archive alone. */
  async rebuilt(roomId: string, serverName: string): Promise<NodeRoom> {
    const made = new NodeRoom(serverName)
    const nothing = () => undefined
    const rebuild = new Rebuild({
      room: made.room,
      reader: this.#reader,
      flush: async () => undefined,
      streamed: async () => undefined,
      reset: nothing,
      arm: nothing,
      armAll: nothing,
    })
    await rebuild.run(roomId)
    return made
  }
}

/** What of a room must be in the archive, table by table, and its forward extremities. */
export function archivedRows(room: NodeRoom): Record<string, unknown> {
  const rows = TABLES.map((table) => {
    const { but = {}, as = {} } = TABLE_RULES.ROOM[table] ?? {}
    const columns = Object.entries(as).map(([column, sql]) => `, ${sql} AS ${column}`)
    const all = room.rows(`SELECT *${columns.join('')} FROM ${table}`)
    const kept = all.map((row) =>
      Object.fromEntries(Object.entries(row).filter(([column]) => !(column in but))),
    )
    return [table, kept.map((row) => JSON.stringify(row)).sort()] as const
  })
  const extremities = room.store.extremities.map(({ eventId }) => eventId)
  return { ...Object.fromEntries(rows), extremities: extremities.sort() }
}
