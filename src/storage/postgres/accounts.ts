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
    insert into accounts (localpart, password_hash, admin, deactivated, created_ts, created_by_session, guest, issuer, subject)
    select $1::text, $2::text, $3::boolean, $4::boolean, $5::bigint, $6::text, $8::boolean, $10::text, $11::text
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

const FIND_BY_SUBJECT = `select ${COLUMNS} from accounts where issuer = $1::text and subject = $2::text`

const LINK = `
  update accounts set issuer = $2::text, subject = $3::text
  where localpart = $1::text and issuer is null and not admin and not guest and not deactivated
    and not exists (select 1 from accounts where issuer = $2::text and subject = $3::text)
  returning 1`

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
  update accounts set deactivated = true, password_hash = null, admin = false, erased = erased or $2::boolean,
    issuer = case when $2::boolean then null else issuer end,
    subject = case when $2::boolean then null else subject end
  where localpart = $1::text`

/** The account store over this database. */
export function postgresAccounts(sql: Sql): AccountStore {
  return {
    async create(account, { registrationToken, upgrades = false, subject } = {}) {
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
        subject?.issuer ?? null,
        subject?.subject ?? null,
      ])
      if (row?.made === true) return 'created'
      return row?.given === true ? 'taken' : 'token_spent'
    },
    async find(localpart) {
      const [row] = await sql.query(FIND, [localpart])
      return row === undefined ? undefined : accountOf(row)
    },
    async findBySubject({ issuer, subject }) {
      const [row] = await sql.query(FIND_BY_SUBJECT, [issuer, subject])
      return row === undefined ? undefined : accountOf(row)
    },
    async link(localpart, { issuer, subject }) {
      return (await sql.query(LINK, [localpart, issuer, subject])).length > 0
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
