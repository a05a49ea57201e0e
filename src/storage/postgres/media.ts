/** The index of media, with what each user has uploaded, in Postgres. */
import type { MediaIndex } from '../../ports/media.ts'
import type { Sql } from './client.ts'

const USED = 'select bytes from media_usage where owner = $1::text'

/** The owner's sum grows within the quota or not at all, and the entry is made only if it has grown. */
const ADD = `
  with charged as (
    insert into media_usage as usage (owner, bytes)
    select $2::text, $5::bigint where $5::bigint <= $8::bigint
    on conflict (owner) do update set bytes = usage.bytes + excluded.bytes
      where usage.bytes + excluded.bytes <= $8::bigint
    returning owner
  )
  insert into media (media_id, owner, content_type, file_name, size, sha256, created_ts)
  select $1::text, charged.owner, $3::text, $4::text, $5::bigint, $6::text, $7::bigint from charged
  returning media_id`

/** What is there already is not counted again. */
const ADD_MISSING = `
  with added as (
    insert into media (media_id, owner, content_type, file_name, size, sha256, created_ts)
    select * from jsonb_to_recordset($1::jsonb) as given (
      "mediaId" text, owner text, "contentType" text, "fileName" text, size bigint, sha256 text, "createdTs" bigint)
    on conflict (media_id) do nothing
    returning owner, size
  ), counted as (
    insert into media_usage as usage (owner, bytes)
    select owner, sum(size) from added group by owner
    on conflict (owner) do update set bytes = usage.bytes + excluded.bytes
  )
  select count(*) as added from added`

const REMOVE = `
  with removed as (delete from media where media_id = $1::text returning owner, size)
  update media_usage as usage set bytes = greatest(0, usage.bytes - removed.size)
  from removed where usage.owner = removed.owner`

/** The index over this database. */
export function postgresMedia(sql: Sql): MediaIndex {
  return {
    async used(owner) {
      const [row] = await sql.query(USED, [owner])
      return Number(row?.bytes ?? 0)
    },
    async add({ mediaId, owner, contentType, fileName, size, sha256 }, quota, now) {
      const facts = [mediaId, owner, contentType, fileName ?? null]
      const rows = await sql.query(ADD, [...facts, size, sha256, now, quota])
      return rows.length > 0
    },
    async remove(mediaId) {
      await sql.query(REMOVE, [mediaId])
    },
    async addMissing(uploads) {
      const [row] = await sql.query(ADD_MISSING, [JSON.stringify(uploads)])
      return Number(row?.added ?? 0)
    },
  }
}
