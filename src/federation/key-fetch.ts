/** Asks other servers for keys: a server for its own, and notaries for those of many. */
import { inTime } from '../patience.ts'
import type { FederationClient, ServerKey } from '../ports/federation.ts'
import { canonicalJson } from '../protocol/events/canonical-json.ts'
import { slicesOf } from '../slices.ts'
import { keysFromNotary, keysInAnswer } from './key-answers.ts'

/** For the answer, and for finding the server, ms. */
const PATIENCE_MS = 30_000
/** Queries of one look for keys: a room's state may name any number of servers. */
const MOST_QUERIES = 50
/** An answer of a notary has about a kilobyte for each server. */
const SERVERS_A_QUERY = 100

export interface MissingKey {
  serverName: string
  keyId: string
  /** Until when it should be valid, ms. */
  until: number
}

interface FetchParts {
  client: FederationClient
  now: () => number
}

/** The keys of a server by its own word; undefined: it gave no answer that counts. */
export async function keysOfServer(
  serverName: string,
  { client, now }: FetchParts,
): Promise<ServerKey[] | undefined> {
  const answer = await json(
    client.ask({
      kind: 'server_keys',
      destination: serverName,
      uri: '/_matrix/key/v2/server',
    }),
  )
  const keys = keysInAnswer(answer, now()).filter((key) => key.serverName === serverName)
  return keys.length === 0 ? undefined : keys
}

/** The same of several servers, some at a time. */
export async function keysOfServers(
  serverNames: readonly string[],
  parts: FetchParts,
  atOnce: number,
): Promise<Map<string, ServerKey[] | undefined>> {
  const found = new Map<string, ServerKey[] | undefined>()
  const queue = serverNames.values()
  const asking = Array.from({ length: atOnce }, async () => {
    for (const serverName of queue) found.set(serverName, await keysOfServer(serverName, parts))
  })
  await Promise.all(asking)
  return found
}

/** What a notary knows of these keys. */
export async function keysByNotary(
  notary: { serverName: string; keys: readonly ServerKey[] },
  missing: readonly MissingKey[],
  { client, now }: FetchParts,
): Promise<ServerKey[]> {
  const byServer = [...Map.groupBy(missing, ({ serverName }) => serverName)]
  const found: ServerKey[] = []
  for (const asked of slicesOf(byServer, SERVERS_A_QUERY).slice(0, MOST_QUERIES)) {
    const content = canonicalJson({
      server_keys: Object.fromEntries(asked.map(([serverName, keys]) => [serverName, criteria(keys)])),
    })
    const answer = await json(
      client.ask({
        kind: 'notary_keys',
        destination: notary.serverName,
        uri: '/_matrix/key/v2/query',
        content,
      }),
    )
    // Who does not answer one question answers no other.
    if (answer === undefined) break
    const names = new Set(asked.map(([serverName]) => serverName))
    const told = keysFromNotary(answer, notary.serverName, notary.keys, now())
    found.push(...told.filter(({ serverName }) => names.has(serverName)))
  }
  return found
}

/** A server that asks for the time of a very old event would get an answer that is as old. */
const criteria = (keys: readonly MissingKey[]) =>
  Object.fromEntries(keys.map(({ keyId, until }) => [keyId, { minimum_valid_until_ts: until }]))

async function json(asking: Promise<{ text: string }>): Promise<unknown> {
  const answer = await inTime(PATIENCE_MS, asking)
  if (answer === undefined) return undefined
  try {
    return JSON.parse(answer.text)
  } catch {
    return undefined
  }
}
