/** The pictures of previews of URLs that are kept, in Postgres. */
import type { PreviewPictures } from '../../ports/media.ts'
import type { Sql } from './client.ts'

/** How many are removed at a time: an operator may have lowered a bound. */
const MOST_REMOVED = 100

/** Of a user's, and of all, the newest stay as far as they fit beside the new one. */
const KEEP = `
  with kept as (
    insert into preview_pictures (media_id, owner, size, seen_ts)
    values ($1::text, $2::text, $3::bigint, $4::bigint)
    on conflict (media_id) do update set seen_ts = excluded.seen_ts
  ), by_owner as (
    select media_id, sum(size) over newest as bytes, row_number() over newest as place
    from preview_pictures where owner = $2::text and media_id <> $1::text
    window newest as (order by seen_ts desc, media_id)
  ), by_all as (
    select media_id, sum(size) over newest as bytes, row_number() over newest as place
    from preview_pictures where media_id <> $1::text
    window newest as (order by seen_ts desc, media_id)
  ), surplus as (
    select media_id from by_owner where bytes + $3::bigint > $5::bigint or place >= $6::bigint
    union
    select media_id from by_all where bytes + $3::bigint > $7::bigint or place >= $8::bigint
    limit ${MOST_REMOVED}
  )
  delete from preview_pictures using surplus where preview_pictures.media_id = surplus.media_id
  returning preview_pictures.media_id`

/** The pictures over this database. */
export function postgresPreviewPictures(sql: Sql): PreviewPictures {
  return {
    async keep({ mediaId, owner, size }, { each, all }, now) {
      const bounds = [each.bytes, each.count, all.bytes, all.count]
      const rows = await sql.query(KEEP, [mediaId, owner, size, now, ...bounds])
      return rows.map((row) => String(row.media_id))
    },
  }
}
