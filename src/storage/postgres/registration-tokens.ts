/** Registration tokens in Postgres, as administrators see and make them; `accounts.ts` uses them up. */
import type { RegistrationToken, RegistrationTokenStore } from '../../ports/accounts.ts'
import type { Sql, SqlRow } from './client.ts'

const COLUMNS = 'token, uses_allowed, uses, expires_ts'
const LIST = `select ${COLUMNS} from registration_tokens order by token`
const FIND = `select ${COLUMNS} from registration_tokens where token = $1::text`

const CREATE = `
  insert into registration_tokens (${COLUMNS}) values ($1::text, $2::integer, $3::integer, $4::bigint)
  on conflict (token) do nothing
  returning 1`

const REMOVE = 'delete from registration_tokens where token = $1::text returning 1'

/** The store of registration tokens over this database. */
export function postgresRegistrationTokens(sql: Sql): RegistrationTokenStore {
  return {
    async list() {
      return (await sql.query(LIST, [])).map(tokenOf)
    },
    async find(token) {
      const [row] = await sql.query(FIND, [token])
      return row && tokenOf(row)
    },
    async create({ token, usesAllowed, uses, expiresTs }) {
      return (await sql.query(CREATE, [token, usesAllowed, uses, expiresTs])).length > 0
    },
    async remove(token) {
      return (await sql.query(REMOVE, [token])).length > 0
    },
  }
}

function tokenOf(row: SqlRow): RegistrationToken {
  return {
    token: String(row.token),
    usesAllowed: row.uses_allowed === null ? null : Number(row.uses_allowed),
    uses: Number(row.uses),
    expiresTs: row.expires_ts === null ? null : Number(row.expires_ts),
  }
}
