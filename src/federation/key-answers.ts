/** What servers tell of their keys, and what counts of it. Server-Server API §Retrieving server keys. */
import * as z from 'zod'
import type { ServerKey } from '../ports/federation.ts'
import type { JsonObject } from '../protocol/events/canonical-json.ts'
import { isKeyId, verifyJson } from '../protocol/events/signing.ts'
import { isServerName } from '../protocol/identifiers.ts'
import { record } from '../protocol/json-schemas.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** "Servers MUST use the lesser of this field and 7 days into the future when determining if a key is valid." */
const LONGEST_MS = 7 * DAY_MS
/** Of one server: it signs with one or two, and has had some more. */
const MOST_KEYS = 100
const MOST_SERVERS = 200

const PublicKey = z.string().regex(/^[A-Za-z0-9+/]{43}$/)
const Time = z.int().min(0)

const Answer = z.object({
  server_name: z.string().refine(isServerName),
  valid_until_ts: Time,
  verify_keys: record(z.string(), z.object({ key: PublicKey })),
  old_verify_keys: record(z.string(), z.object({ key: PublicKey, expired_ts: Time })).optional(),
})

const Answers = z.object({ server_keys: z.array(z.unknown()).max(MOST_SERVERS) })

/**
 * The keys in a server's answer, which must carry its own signature by one of the keys that it names.
 * @param now when it came, ms
 */
export function keysInAnswer(answer: unknown, now: number): ServerKey[] {
  const parsed = Answer.safeParse(answer)
  if (!parsed.success) return []
  const {
    server_name: serverName,
    valid_until_ts: until,
    verify_keys: current,
    old_verify_keys: old,
  } = parsed.data
  const signing = known(Object.entries(current))
  const isSigned = signing.some(([id, { key }]) => verifyJson(answer as JsonObject, serverName, id, key))
  if (!isSigned) return []
  const keys = [
    ...signing.map(([keyId, { key }]) => ({
      keyId,
      publicKey: key,
      validUntil: Math.min(until, now + LONGEST_MS),
      hasEnded: false,
    })),
    ...known(Object.entries(old ?? {})).map(([keyId, { key, expired_ts: end }]) => ({
      keyId,
      publicKey: key,
      validUntil: Math.min(end, now),
      hasEnded: true,
    })),
  ]
  return keys.map((key) => ({ ...key, serverName, fetchedAt: now }))
}

/**
 * The keys of several servers, as a notary tells them. Each counts with the signatures of its server and of the notary.
 * @param signers the notary's own keys
 */
export function keysFromNotary(
  answer: unknown,
  notary: string,
  signers: readonly { keyId: string; publicKey: string }[],
  now: number,
): ServerKey[] {
  const parsed = Answers.safeParse(answer)
  if (!parsed.success) return []
  const vouched = parsed.data.server_keys.filter((one) =>
    signers.some(({ keyId, publicKey }) => isVouched(one, notary, keyId, publicKey)),
  )
  return vouched.flatMap((one) => keysInAnswer(one, now))
}

function isVouched(one: unknown, notary: string, keyId: string, publicKey: string): boolean {
  const isObject = typeof one === 'object' && one !== null && !Array.isArray(one)
  return isObject && verifyJson(one as JsonObject, notary, keyId, publicKey)
}

function known<T>(entries: [string, T][]): [string, T][] {
  return entries.filter(([id]) => isKeyId(id)).slice(0, MOST_KEYS)
}
