/** Room aliases in Postgres. */
import type { Alias, AliasStore } from '../../ports/directory.ts'
import type { Sql, SqlRow } from './client.ts'

const RESERVED_FOR_MS = 60_000

/**
 * A reservation whose time is over gives way. Until somebody takes it, it still resolves, since its room may be alive.
 */
const TAKE = `
  insert into aliases as held (alias, room_id, creator, created_ts, pending_until)
  values ($1::text, $2::text, $3::text, $4::bigint, $5::bigint)
  on conflict (alias) do update
    set room_id = excluded.room_id, creator = excluded.creator,
        created_ts = excluded.created_ts, pending_until = excluded.pending_until
    where held.pending_until < $4::bigint
  returning 1`

/** The new room need not confirm them: it exists. */
const MOVE_ALIASES = `
  update aliases set room_id = $2::text, pending_until = null where room_id = $1::text`

/** The alias store over this database. */
export function postgresAliases(sql: Sql): AliasStore {
  const take = async ({ alias, roomId, creator }: Alias, now: number, pendingUntil: number | null) => {
    const rows = await sql.query(TAKE, [alias, roomId, creator, now, pendingUntil])
    return rows.length > 0
  }
  return {
    reserve: (alias, now) => take(alias, now, now + RESERVED_FOR_MS),
    add: (alias, now) => take(alias, now, null),
    async find(alias) {
      const [row] = await sql.query('select alias, room_id, creator from aliases where alias = $1::text', [
        alias,
      ])
      return row === undefined ? undefined : aliasOf(row)
    },
    async remove(alias) {
      await sql.query('delete from aliases where alias = $1::text', [alias])
    },
    async ofRoom(roomId) {
      const rows = await sql.query('select alias from aliases where room_id = $1::text order by alias', [
        roomId,
      ])
      return rows.map((row) => String(row.alias))
    },
    async madeBy(creator) {
      const [row] = await sql.query('select count(*) as made from aliases where creator = $1::text', [
        creator,
      ])
      return Number(row?.made ?? 0)
    },
    async move(from, to) {
      await sql.query(MOVE_ALIASES, [from, to])
    },
  }
}

function aliasOf(row: SqlRow): Alias {
  return { alias: String(row.alias), roomId: String(row.room_id), creator: String(row.creator) }
}
