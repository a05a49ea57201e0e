/** Lists of rooms and people, from the archive in Postgres. */
import type { DirectoryStore, DirectoryUser, PublicRoomsPage } from '../../ports/directory.ts'
import { stringField } from '../../protocol/json-fields.ts'
import { publicRoom, type RoomFacts } from '../../protocol/rooms/room-summary.ts'
import type { Sql, SqlRow } from './client.ts'
import { storable } from './text.ts'

/** `$1` the folded term, `$2` a JSON list of room types. */
const LISTED = `
  from public_rooms p join room_summaries s on s.room_id = p.room_id
  where p.listed and s.joined_members > 0
    and ($1::text is null or strpos(s.facts->>'folded_name', $1::text) > 0
      or strpos(s.facts->>'folded_topic', $1::text) > 0
      or strpos(s.facts->>'folded_canonical_alias', $1::text) > 0)
    and ($2::jsonb is null or $2::jsonb @> jsonb_build_array(s.facts->>'room_type'))`

const COUNT_LISTED = `select count(*)::int as total ${LISTED}`

const PAGES = {
  after: `
    select s.room_id, s.facts, s.joined_members ${LISTED}
      and ($3::int is null or (-s.joined_members, s.room_id) > (-$3::int, $4::text))
    order by s.joined_members desc, s.room_id limit $5::int`,
  before: `
    select s.room_id, s.facts, s.joined_members ${LISTED}
      and ($3::int is null or (-s.joined_members, s.room_id) < (-$3::int, $4::text))
    order by s.joined_members, s.room_id desc limit $5::int`,
}

const IS_LISTED = `
  select coalesce(p.listed, false) as listed
  from rooms r left join public_rooms p on p.room_id = r.room_id where r.room_id = $1::text`

const LISTED_AMONG = `
  select room_id from public_rooms
  where listed and room_id in (select value from jsonb_array_elements_text($1::text::jsonb))`

/**
 * Users that share a room with the viewer, or have joined a room that everybody may join or read. Viewers find
 * themselves only in the second way, as strangers would. A user is found by the name of their profile and by their
 * names in these rooms: a name that is only used among others stays among them. Shown is the profile; if it says
 * nothing, the newest of the other names. First comes a user that the term names exactly, then those whose name or id
 * begins with it, then those that share the most rooms with the viewer.
 */
const USERS = `
  with seen as (
    select m.user_id, m.display_name, m.avatar_url, m.folded, name.folded as profile_folded, name.body as profile_name,
      e.ts,
      exists (
        select from room_memberships own
        where m.user_id <> $1::text and own.room_id = m.room_id and own.user_id = $1::text and own.membership = 'join'
      ) as shared
    from room_memberships m
    join room_summaries s on s.room_id = m.room_id
    join events e on e.event_id = m.event_id
    left join user_records name
      on name.user_id = m.user_id and name.kind = 'profile' and name.key = 'displayname'
    where m.membership = 'join'
      and not exists (
        select from jsonb_array_elements_text($2::jsonb) as word
        where strpos(concat_ws(' ', name.folded, m.folded), word) = 0
      )
      and (
        s.facts->>'join_rule' = 'public' or s.facts->>'history_visibility' = 'world_readable'
        or exists (
          select from room_memberships own
          where m.user_id <> $1::text and own.room_id = m.room_id and own.user_id = $1::text and own.membership = 'join'
        )
      )
  ), named as (
    select distinct on (user_id) *, count(*) filter (where shared) over (partition by user_id) as rooms_shared
    from seen order by user_id, ts desc
  )
  select named.user_id, display_name, avatar_url, profile_name, avatar.body as profile_avatar
  from named
  left join user_records avatar
    on avatar.user_id = named.user_id and avatar.kind = 'profile' and avatar.key = 'avatar_url'
  order by
    (
      select min(case
        when strpos(name, '@' || $3::text || ':') > 0 or starts_with(name, $3::text || ' @')
          or name = ' ' || $3::text then 0
        when starts_with(name, $3::text) or strpos(name, ' @' || $3::text) > 0 then 1
        else 2
      end)
      from (values (named.folded), (profile_folded)) as names (name)
    ),
    rooms_shared desc, display_name is null, named.user_id
  limit $4::int`

const MUTUAL = `
  from room_memberships a join room_memberships b on b.room_id = a.room_id
  where a.user_id = $1::text and a.membership = 'join' and b.user_id = $2::text and b.membership = 'join'`
const COUNT_MUTUAL = `select count(*)::int as total ${MUTUAL}`
const MUTUAL_PAGE = `
  select a.room_id ${MUTUAL} and ($3::text is null or a.room_id > $3::text) order by a.room_id limit $4::int`

/** The directory over this database. */
export function postgresDirectory(sql: Sql): DirectoryStore {
  return {
    publicRooms: (page) => publicRooms(sql, page),
    async isListed(roomId) {
      const [row] = await sql.query(IS_LISTED, [roomId])
      return row && row.listed === true
    },
    async listedAmong(roomIds) {
      const rows = await sql.query(LISTED_AMONG, [JSON.stringify(roomIds)])
      return new Set(rows.map(({ room_id }) => String(room_id)))
    },
    async users({ viewer, words, limit }) {
      const folded = words.map(storable)
      const rows = await sql.query(USERS, [viewer, JSON.stringify(folded), folded.join(' '), limit])
      return rows.map(userOf)
    },
    async mutualRooms([one, other], { after, limit }) {
      const [counted = [], page = []] = await sql.transaction([
        { text: COUNT_MUTUAL, values: [one, other] },
        { text: MUTUAL_PAGE, values: [one, other, after ?? null, limit] },
      ])
      return { rooms: page.map((row) => String(row.room_id)), total: Number(counted[0]?.total) }
    },
  }
}

async function publicRooms(sql: Sql, { limit, term, roomTypes, from }: PublicRoomsPage) {
  const filter = [
    term ?? null,
    roomTypes === undefined ? null : JSON.stringify(roomTypes.map((type) => type && storable(type))),
  ]
  const direction = from?.direction ?? 'after'
  const place = [from?.joined ?? null, from?.roomId ?? null]
  const [counted = [], page = []] = await sql.transaction([
    { text: COUNT_LISTED, values: filter },
    { text: PAGES[direction], values: [...filter, ...place, limit + 1] },
  ])
  const rooms = page.slice(0, limit).map(roomOf)
  if (direction === 'before') rooms.reverse()
  return { rooms, more: page.length > limit, total: Number(counted[0]?.total) }
}

function roomOf(row: SqlRow) {
  return publicRoom(String(row.room_id), factsOf(row.facts), Number(row.joined_members))
}

/** Facts that were taken back stand there as null. */
function factsOf(facts: unknown): RoomFacts {
  const known = Object.entries(facts as Record<string, string | null>).filter(([, value]) => value !== null)
  return Object.fromEntries(known) as RoomFacts
}

function userOf(row: SqlRow): DirectoryUser {
  const user: DirectoryUser = { userId: String(row.user_id) }
  const displayName = textOf(row.profile_name)?.trim() || row.display_name
  const avatar = textOf(row.profile_avatar)
  const avatarUrl = avatar?.startsWith('mxc://') ? avatar : row.avatar_url
  if (displayName !== null) user.displayName = String(displayName)
  if (avatarUrl !== null) user.avatarUrl = String(avatarUrl)
  return user
}

/** A field of a profile is archived as JSON. */
function textOf(body: unknown): string | undefined {
  return typeof body === 'string' ? stringField(JSON.parse(body)) : undefined
}
