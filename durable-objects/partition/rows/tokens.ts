/** The tables of the stream's tokens: every partition knows which were revoked, the first one also which were made. */
import type { KeptToken } from '../../../src/objects/partition/groups.ts'
import { first, type SqlReader } from '../../sqlite.ts'

export const TOKENS_TABLES = `
  CREATE TABLE revoked_tokens (token_id TEXT PRIMARY KEY, ts INTEGER NOT NULL) WITHOUT ROWID;
  CREATE TABLE made_tokens (token_id TEXT PRIMARY KEY, facts TEXT NOT NULL) WITHOUT ROWID;
`

export type RevokedRow = { token_id: string; ts: number }
export type MadeRow = { token_id: string; facts: string }

export function isRevoked(sql: SqlReader, id: string): boolean {
  return first(sql, 'SELECT 1 AS found FROM revoked_tokens WHERE token_id = ?', id) !== undefined
}

export function revokeToken(sql: SqlStorage, id: string, now: number): void {
  sql.exec('INSERT OR IGNORE INTO revoked_tokens (token_id, ts) VALUES (?, ?)', id, now)
}

export function noteToken(sql: SqlStorage, token: KeptToken): void {
  sql.exec('INSERT INTO made_tokens (token_id, facts) VALUES (?, ?)', token.id, JSON.stringify(token))
}

export function isMade(sql: SqlReader, id: string): boolean {
  return first(sql, 'SELECT 1 AS found FROM made_tokens WHERE token_id = ?', id) !== undefined
}

export function countTokens(sql: SqlReader): number {
  return first<{ n: number }>(sql, 'SELECT count(*) AS n FROM made_tokens')?.n ?? 0
}

/** Every token that was made, with when it was revoked. */
export function allTokens(sql: SqlReader): KeptToken[] {
  return sql
    .exec<Pick<MadeRow, 'facts'> & { revoked: number | null }>(
      `SELECT m.facts, r.ts AS revoked
       FROM made_tokens m LEFT JOIN revoked_tokens r ON r.token_id = m.token_id`,
    )
    .toArray()
    .map(({ facts, revoked }) => ({
      ...(JSON.parse(facts) as KeptToken),
      ...(revoked !== null && { revokedAt: revoked }),
    }))
    .sort((a, b) => b.createdAt - a.createdAt)
}
