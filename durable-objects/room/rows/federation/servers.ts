/** The table `servers`: the other servers whose users are in the room, or were. A local room has no row. */
import { first, type SqlReader } from '../../../sqlite.ts'

export const SERVERS_TABLE = `
  CREATE TABLE servers (
    name TEXT PRIMARY KEY,
    -- How many of its users are joined.
    joined INTEGER NOT NULL,
    -- It is told of what came after this position,
    from_pos INTEGER NOT NULL,
    -- up to this one, by which its last user went: a server hears of a kick. Null: it is in the room.
    to_pos INTEGER
  ) WITHOUT ROWID;
`

type ServerRow = { name: string; joined: number; from_pos: number; to_pos: number | null }

/** A server as far as it takes part. */
export interface ServerPart {
  name: string
  from: number
  /** Undefined: it is in the room. */
  to: number | undefined
}

const partOf = ({ name, from_pos, to_pos }: ServerRow): ServerPart => ({
  name,
  from: from_pos,
  to: to_pos ?? undefined,
})

/** A user of another server joins or goes. Writes no row where nobody of it ever joined. */
export function countServer(sql: SqlStorage, name: string, change: { joins: boolean; pos: number }): void {
  const { joins, pos } = change
  if (!joins) {
    const query = `UPDATE servers SET joined = joined - 1, to_pos = CASE WHEN joined = 1 THEN ? END
      WHERE name = ? AND joined > 0`
    sql.exec(query, pos, name)
    return
  }
  sql.exec(
    `INSERT INTO servers (name, joined, from_pos) VALUES (?, 1, ?)
     ON CONFLICT (name) DO UPDATE SET
       joined = joined + 1, from_pos = CASE WHEN joined = 0 THEN excluded.from_pos ELSE from_pos END, to_pos = NULL`,
    name,
    pos,
  )
}

/** A server that is not in the room is told of this one event. */
export function tellServerOnce(sql: SqlStorage, name: string, pos: number): void {
  sql.exec(
    `INSERT INTO servers (name, joined, from_pos, to_pos) VALUES (?, 0, ?, ?)
     ON CONFLICT (name) DO UPDATE SET from_pos = excluded.from_pos, to_pos = excluded.to_pos WHERE joined = 0`,
    name,
    pos - 1,
    pos,
  )
}

/** All servers are told only of what comes after this position: of a room that has just been made. */
export function tellServersFrom(sql: SqlStorage, pos: number): void {
  sql.exec('UPDATE servers SET from_pos = ?', pos)
}

/** Whether a user of another server ever joined. */
export function hasServers(sql: SqlReader): boolean {
  return first(sql, 'SELECT 1 FROM servers LIMIT 1') !== undefined
}

export function serverPart(sql: SqlReader, name: string): ServerPart | undefined {
  const row = first<ServerRow>(sql, 'SELECT name, joined, from_pos, to_pos FROM servers WHERE name = ?', name)
  return row && partOf(row)
}

/** Whether a user of another server is joined. */
export function isServerIn(sql: SqlReader, name: string): boolean {
  const query = 'SELECT 1 FROM servers WHERE name = ? AND joined > 0'
  return first(sql, query, name) !== undefined
}

/** The servers that took part after a position. */
export function serversAfter(sql: SqlReader, pos: number): ServerPart[] {
  const query = 'SELECT name, joined, from_pos, to_pos FROM servers WHERE to_pos IS NULL OR to_pos > ?'
  return sql.exec<ServerRow>(query, pos).toArray().map(partOf)
}

/** All servers of which a user is joined. */
export function joinedServers(sql: SqlReader): Pick<ServerRow, 'name' | 'joined'>[] {
  const query = 'SELECT name, joined FROM servers WHERE joined > 0'
  return sql.exec<Pick<ServerRow, 'name' | 'joined'>>(query).toArray()
}

/** Servers that are in the room, those with the most users first. */
export function largestServers(sql: SqlReader, limit: number): string[] {
  return sql
    .exec<Pick<ServerRow, 'name'>>(
      'SELECT name FROM servers WHERE joined > 0 ORDER BY joined DESC, name LIMIT ?',
      limit,
    )
    .toArray()
    .map(({ name }) => name)
}
