/** What lies in IPFS under which key, in Postgres, and which pins are to be let go. */
import type { BucketObject, OnlyIf, Tags } from '../../ports/bucket.ts'
import type { Sql, SqlRow } from './client.ts'

/** What Kubo knows of an object's bytes. */
export interface Pinned {
  /** The content. */
  cid: string
  /** What is pinned for it alone. */
  pin: string
}

export interface IpfsObject extends BucketObject {
  /** Absent where there are no bytes. */
  cid?: string
}

export interface NewObject extends Tags, Partial<Pinned> {
  key: string
  size: number
  etag: string
}

export interface IpfsObjects {
  find(key: string): Promise<IpfsObject | undefined>
  /** Where the condition holds. What was there before is to be unpinned. */
  put(object: NewObject, onlyIf: OnlyIf | undefined, now: number): Promise<boolean>
  /** Their pins are to be let go. */
  remove(keys: string[], now: number): Promise<void>
  list(prefix: string, limit: number, after?: string): Promise<{ keys: string[]; next?: string }>
  /** Pins to let go, the oldest first. */
  unpins(limit: number): Promise<string[]>
  unpinned(pins: string[]): Promise<void>
}

const COLUMNS = 'key, cid, pin, size, etag, content_type, custom, modified_ts'

const FIND = `select ${COLUMNS} from ipfs_objects where key = $1::text`

const GIVEN = `
  select $1::text, $2::text, $3::text, $4::bigint, $5::text, $6::text, $7::jsonb, $8::bigint`

const PUT_ABSENT = `
  insert into ipfs_objects (${COLUMNS}) ${GIVEN} on conflict (key) do nothing returning key`

/** Lets the pin go that the row had, before the row is written: a statement does not see what it has itself changed. */
const replacing = (condition: string) => `
  with before as (select key, pin from ipfs_objects where key = $1::text ${condition} for update),
  let_go as (
    insert into ipfs_unpins (pin, since_ts)
    select pin, $8::bigint from before where pin is not null on conflict (pin) do nothing returning pin
  ), done as (select count(*) as count from let_go)`

/** Two that write a new key at once would not see each other's row: the second begins when the first has ended. */
const LOCK = 'select pg_advisory_xact_lock(hashtextextended($1::text, 0))'

const PUT = `${replacing('')}
  insert into ipfs_objects (${COLUMNS}) ${GIVEN} from done where done.count >= 0
  on conflict (key) do update set cid = excluded.cid, pin = excluded.pin, size = excluded.size, etag = excluded.etag,
    content_type = excluded.content_type, custom = excluded.custom, modified_ts = excluded.modified_ts
  returning key`

const PUT_MATCHING = `${replacing('and etag = $9::text')}
  update ipfs_objects set cid = $2::text, pin = $3::text, size = $4::bigint, etag = $5::text,
    content_type = $6::text, custom = $7::jsonb, modified_ts = $8::bigint
  from before, done where ipfs_objects.key = before.key and ipfs_objects.etag = $9::text and done.count >= 0
  returning ipfs_objects.key`

const REMOVE = `
  with gone as (
    delete from ipfs_objects where key in (select jsonb_array_elements_text($1::jsonb)) returning pin
  )
  insert into ipfs_unpins (pin, since_ts)
  select pin, $2::bigint from gone where pin is not null on conflict (pin) do nothing`

const LIST = `
  select key from ipfs_objects
  where key >= $1::text and starts_with(key, $1::text) and key > $2::text order by key limit $3::bigint`

export function postgresIpfsObjects(sql: Sql): IpfsObjects {
  return {
    async find(key) {
      const [row] = await sql.query(FIND, [key])
      return row && objectOf(row)
    },
    async put({ key, cid, pin, size, etag, contentType, custom }, onlyIf, now) {
      const values = [key, cid ?? null, pin ?? null, size, etag, contentType ?? null, JSON.stringify(custom)]
      if (onlyIf === 'absent') return (await sql.query(PUT_ABSENT, [...values, now])).length > 0
      if (onlyIf !== undefined)
        return (await sql.query(PUT_MATCHING, [...values, now, onlyIf.etag])).length > 0
      await sql.transaction([
        { text: LOCK, values: [key] },
        { text: PUT, values: [...values, now] },
      ])
      return true
    },
    async remove(keys, now) {
      await sql.query(REMOVE, [JSON.stringify(keys), now])
    },
    async list(prefix, limit, after = '') {
      const rows = await sql.query(LIST, [prefix, after, limit + 1])
      const keys = rows.map(({ key }) => String(key))
      return keys.length <= limit ? { keys } : { keys: keys.slice(0, limit), next: keys[limit - 1]! }
    },
    async unpins(limit) {
      const rows = await sql.query('select pin from ipfs_unpins order by since_ts, pin limit $1::bigint', [
        limit,
      ])
      return rows.map(({ pin }) => String(pin))
    },
    async unpinned(pins) {
      await sql.query('delete from ipfs_unpins where pin in (select jsonb_array_elements_text($1::jsonb))', [
        JSON.stringify(pins),
      ])
    },
  }
}

function objectOf({
  key,
  cid,
  size,
  etag,
  content_type: type,
  custom,
  modified_ts: modified,
}: SqlRow): IpfsObject {
  const object: IpfsObject = {
    key: String(key),
    size: Number(size),
    etag: String(etag),
    modified: Number(modified),
    custom: (typeof custom === 'string' ? JSON.parse(custom) : custom) as Record<string, string>,
  }
  if (typeof type === 'string') object.contentType = type
  if (typeof cid === 'string') object.cid = cid
  return object
}
