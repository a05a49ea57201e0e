/** What users report, in Postgres. */
import type { ReportStore } from '../../ports.ts'
import type { Sql } from './client.ts'

const ADD = `
  insert into reports (room_id, event_id, user_id, reporter, reason, received_ts)
  values ($1::text, $2::text, $3::text, $4::text, $5::text, $6::bigint)`

/** The reports over this database. */
export function postgresReports(sql: Sql): ReportStore {
  return {
    async add({ roomId, eventId, userId, reporter, reason }, now) {
      const about = [roomId ?? null, eventId ?? null, userId ?? null]
      await sql.query(ADD, [...about, reporter, reason, now])
    },
  }
}
