/** The keys of this server, as it tells them to others. Server-Server API §Publishing Keys. */
import type { Config } from '../ports/config.ts'
import type { JsonObject } from '../protocol/events/canonical-json.ts'
import { signJson } from '../protocol/events/signing.ts'

/** How long others need not ask again, ms: a key that was followed by another is believed for so long. */
const VALID_MS = 24 * 60 * 60 * 1000

/** The body of `GET /_matrix/key/v2/server`: signed by each key that still signs. */
export function ownServerKeys(
  {
    serverName,
    signingKeys,
    endedSigningKeys,
  }: Pick<Config, 'serverName' | 'signingKeys' | 'endedSigningKeys'>,
  now: number,
): JsonObject {
  const unsigned: JsonObject = {
    server_name: serverName,
    valid_until_ts: now + VALID_MS,
    verify_keys: Object.fromEntries(signingKeys.map(({ id, publicKey }) => [id, { key: publicKey }])),
    old_verify_keys: Object.fromEntries(
      endedSigningKeys.map(({ id, publicKey, endedAt }) => [id, { key: publicKey, expired_ts: endedAt }]),
    ),
  }
  return signingKeys.reduce((keys, key) => signJson(keys, serverName, key), unsigned)
}
