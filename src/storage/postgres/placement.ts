/** The row of Postgres that says where the objects were made. */
import type { PlacementRecord } from '../../ports/placement.ts'
import type { Sql } from './client.ts'

const FIX = `
  with fixed as (
    insert into placement (jurisdiction, location_hint) values ($1::text, $2::text)
    on conflict (one) do nothing returning jurisdiction, location_hint
  )
  select jurisdiction, location_hint from fixed union all select jurisdiction, location_hint from placement`

/** The record over this database. */
export function postgresPlacement(sql: Sql): PlacementRecord {
  return {
    async fix({ jurisdiction, locationHint }) {
      const [row] = await sql.query(FIX, [jurisdiction, locationHint])
      // Another isolate has fixed it this instant: the next question finds it.
      if (row === undefined) throw new Error('the placement is being fixed')
      return { jurisdiction: String(row.jurisdiction), locationHint: String(row.location_hint) }
    },
  }
}
