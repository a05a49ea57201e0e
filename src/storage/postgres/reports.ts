/** What users report, in Postgres. */
import type { KeptReport, ReportStore } from '../../ports/reports.ts'
import type { Sql, SqlRow } from './client.ts'

const ADD = `
  insert into reports (room_id, event_id, user_id, reporter, reason, received_ts)
  values ($1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint)`

const COLUMNS = 'id, room_id, event_id, user_id, reporter, reason, received_ts'

const LIST = `select ${COLUMNS} from reports where id < $1::bigint order by id desc limit $2::int`

const FIND = `select ${COLUMNS} from reports where id = $1::bigint`

/** The reports over this database. */
export function postgresReports(sql: Sql): ReportStore {
  return {
    async add({ roomId, eventId, userId, reporter, reason }, now) {
      const about = [roomId ?? null, eventId ?? null, userId ?? null]
      await sql.query(ADD, [...about, reporter, reason, now])
    },
    async list(before, limit) {
      return (await sql.query(LIST, [before, limit])).map(reportOf)
    },
    async find(id) {
      const [row] = await sql.query(FIND, [id])
      return row === undefined ? undefined : reportOf(row)
    },
  }
}

function reportOf(row: SqlRow): KeptReport {
  const text = (value: unknown) => (value === null ? undefined : String(value))
  return {
    id: Number(row.id),
    roomId: text(row.room_id),
    eventId: text(row.event_id),
    userId: text(row.user_id),
    reporter: String(row.reporter),
    reason: String(row.reason),
    receivedTs: Number(row.received_ts),
  }
}
