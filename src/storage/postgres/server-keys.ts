/** Keys of other servers in Postgres. */
import type { KeyFailure, ServerKey, ServerKeyStore } from '../../ports/federation.ts'
import type { Sql, SqlRow } from './client.ts'

const WANTED = `
  select k.server_name, k.key_id, k.public_key, k.valid_until_ts, k.ended, k.fetched_ts
  from server_keys as k
  join jsonb_to_recordset($1::jsonb) as w ("serverName" text, "keyId" text)
    on k.server_name = w."serverName" and k.key_id = w."keyId"`

const FAILED = `
  select f.server_name, f.failures, f.retry_ts from server_key_failures as f
  where f.server_name in (select w."serverName" from jsonb_to_recordset($1::jsonb) as w ("serverName" text))`

/** An answer that is older, such as a notary's, takes nothing back: an end stays, and validity only grows. */
const PUT = `
  insert into server_keys as held (server_name, key_id, public_key, valid_until_ts, ended, fetched_ts)
  select k."serverName", k."keyId", k."publicKey", k."validUntil", k."hasEnded", k."fetchedAt"
  from jsonb_to_recordset($1::jsonb) as k (
    "serverName" text, "keyId" text, "publicKey" text, "validUntil" bigint, "hasEnded" boolean, "fetchedAt" bigint
  )
  on conflict (server_name, key_id) do update set
    public_key = excluded.public_key,
    valid_until_ts = case
      when held.public_key <> excluded.public_key or (excluded.ended and not held.ended) then excluded.valid_until_ts
      when held.ended then held.valid_until_ts
      else greatest(held.valid_until_ts, excluded.valid_until_ts)
    end,
    ended = excluded.ended or (held.ended and held.public_key = excluded.public_key),
    fetched_ts = greatest(held.fetched_ts, excluded.fetched_ts)`

const RECOVERED = `
  delete from server_key_failures
  where server_name in (select k."serverName" from jsonb_to_recordset($1::jsonb) as k ("serverName" text))`

const PUT_FAILURES = `
  insert into server_key_failures (server_name, failures, retry_ts)
  select f."serverName", f.failures, f."retryAt"
  from jsonb_to_recordset($1::jsonb) as f ("serverName" text, failures integer, "retryAt" bigint)
  on conflict (server_name) do update set failures = excluded.failures, retry_ts = excluded.retry_ts`

/** Anybody can name servers that are not there. */
const FORGET = `
  delete from server_key_failures where server_name in (
    select server_name from server_key_failures where retry_ts < $1::bigint order by retry_ts limit 100
  )`

/** A server that was tried so long ago is as good as one that never was, ms. */
const FORGOTTEN_MS = 2 * 24 * 60 * 60 * 1000

/** The keys over this database. */
export function postgresServerKeys(sql: Sql): ServerKeyStore {
  return {
    async find(wanted) {
      const values = [JSON.stringify(wanted.map(({ serverName, keyId }) => ({ serverName, keyId })))]
      const [keys = [], failures = []] = await sql.transaction([
        { text: WANTED, values },
        { text: FAILED, values },
      ])
      return { keys: keys.map(keyOf), failures: failures.map(failureOf) }
    },
    async put(keys) {
      const values = [JSON.stringify(keys)]
      await sql.transaction([
        { text: PUT, values },
        { text: RECOVERED, values },
      ])
    },
    async putFailures(failures, now) {
      await sql.transaction([
        { text: PUT_FAILURES, values: [JSON.stringify(failures)] },
        { text: FORGET, values: [now - FORGOTTEN_MS] },
      ])
    },
  }
}

function keyOf(row: SqlRow): ServerKey {
  return {
    serverName: String(row.server_name),
    keyId: String(row.key_id),
    publicKey: String(row.public_key),
    validUntil: Number(row.valid_until_ts),
    hasEnded: row.ended === true,
    fetchedAt: Number(row.fetched_ts),
  }
}

function failureOf(row: SqlRow): KeyFailure {
  return {
    serverName: String(row.server_name),
    failures: Number(row.failures),
    retryAt: Number(row.retry_ts),
  }
}
