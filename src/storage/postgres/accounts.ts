/** Accounts and registration tokens in Postgres. */
import type { Account, AccountStore } from '../../ports/accounts.ts'
import { localpartOf } from '../../protocol/identifiers.ts'
import type { Sql, SqlRow } from './client.ts'

const TOKEN_IS_GOOD = `(uses_allowed is null or uses < uses_allowed)`

/** The token's row is locked before the account is made, so that its last use is given away once. */
const CREATE = `
  with token as (
    select 1 from registration_tokens
    where token = $7::text and ${TOKEN_IS_GOOD} and (expires_ts is null or expires_ts > $5::bigint)
    for update
  ), permission as (
    select $7::text is null or exists (select 1 from token) as given
  ), made as (
    insert into accounts (localpart, password_hash, admin, deactivated, created_ts, created_by_session, guest)
    select $1::text, $2::text, $3::boolean, $4::boolean, $5::bigint, $6::text, $8::boolean
    from permission where given
    on conflict (localpart) do update
      set password_hash = excluded.password_hash, guest = false, created_by_session = excluded.created_by_session
      where $9::boolean and accounts.guest and not accounts.deactivated
    returning 1
  ), spent as (
    update registration_tokens set uses = uses + 1
    where token = $7::text and exists (select 1 from made)
  )
  select permission.given, exists (select 1 from made) as made from permission`

const COLUMNS = 'localpart, password_hash, admin, deactivated, guest, created_ts, created_by_session'

const FIND = `select ${COLUMNS} from accounts where localpart = $1::text`

const LIST = `select ${COLUMNS} from accounts where localpart > $1::text order by localpart limit $2::int`

const SET_ADMIN = `
  update accounts set admin = $2::boolean where localpart = $1::text and not deactivated returning 1`

const EXISTING = `
  select localpart from accounts
  where localpart = any(array(select jsonb_array_elements_text($1::jsonb)))`

const TOKEN_VALID = `
  select 1 from registration_tokens
  where token = $1::text and ${TOKEN_IS_GOOD} and (expires_ts is null or expires_ts > $2::bigint)`

/** A deactivated account gets no password again. */
const SET_PASSWORD = `
  update accounts set password_hash = $2::text where localpart = $1::text and not deactivated`

const DEACTIVATE = `
  with reported as (
    update reports set reason = '' where $2::boolean and reporter = $3::text
  )
  update accounts set deactivated = true, password_hash = null, admin = false, erased = erased or $2::boolean
  where localpart = $1::text`

/** The account store over this database. */
export function postgresAccounts(sql: Sql): AccountStore {
  return {
    async create(account, { registrationToken, upgrades = false } = {}) {
      const [row] = await sql.query(CREATE, [
        account.localpart,
        account.passwordHash,
        account.admin,
        account.deactivated,
        account.createdTs,
        account.createdBySession,
        registrationToken ?? null,
        account.guest,
        upgrades,
      ])
      if (row?.made === true) return 'created'
      return row?.given === true ? 'taken' : 'token_spent'
    },
    async find(localpart) {
      const [row] = await sql.query(FIND, [localpart])
      return row === undefined ? undefined : accountOf(row)
    },
    async existing(localparts) {
      const rows = await sql.query(EXISTING, [JSON.stringify(localparts)])
      return rows.map((row) => String(row.localpart))
    },
    async registrationTokenValid(token, now) {
      const rows = await sql.query(TOKEN_VALID, [token, now])
      return rows.length > 0
    },
    async setPassword(localpart, passwordHash) {
      await sql.query(SET_PASSWORD, [localpart, passwordHash])
    },
    async setAdmin(localpart, admin) {
      return (await sql.query(SET_ADMIN, [localpart, admin])).length > 0
    },
    async list(after, limit) {
      return (await sql.query(LIST, [after, limit])).map(accountOf)
    },
    async deactivate(userId, erased) {
      await sql.query(DEACTIVATE, [localpartOf(userId), erased, userId])
    },
  }
}

function accountOf(row: SqlRow): Account {
  return {
    localpart: String(row.localpart),
    passwordHash: row.password_hash === null ? null : String(row.password_hash),
    admin: row.admin === true,
    deactivated: row.deactivated === true,
    guest: row.guest === true,
    createdTs: Number(row.created_ts),
    createdBySession: row.created_by_session === null ? null : String(row.created_by_session),
  }
}
