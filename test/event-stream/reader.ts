/** The event stream as tests read it: tokens by the operator's own, records of all partitions, and members of groups. */
import { join } from 'node:path'
import { readKeys } from '../../local/keys.ts'
import { issueOperatorToken } from '../../src/accounts/operator-token.ts'
import { decodeBase64 } from '../../src/protocol/base64.ts'
import { PARTITIONS, partitionOf, type Topic } from '../../src/protocol/event-stream.ts'
import { type Answer, type Api, type Body, must, type Query } from '../support/client.ts'
import { eventually } from '../support/eventually.ts'
import type { TestServer } from '../support/server.ts'

export const STREAM = '/_selvedge/stream'
const ADMIN = '/_selvedge/admin/stream'

/** The topics and the group of a token; all topics unless told. */
export interface Scope {
  topics?: Topic[]
  group?: string
  days?: number
}

export async function operatorToken({ folder, serverName }: TestServer): Promise<string> {
  const keys = readKeys(join(folder, 'keys.json'))!.token_keys
  const tokenKeys = keys.map(({ id, secret }) => ({ id, secret: decodeBase64(secret) }))
  return issueOperatorToken(tokenKeys, serverName)
}

/** Asks as the operator. */
export async function asOperator(
  server: TestServer,
  http: Api,
  { method, path, body }: { method: string; path: string; body?: unknown },
): Promise<Answer> {
  return http.request(method, `${ADMIN}${path}`, body, { token: await operatorToken(server) })
}

const ALL: Topic[] = ['events', 'membership', 'receipts', 'presence', 'accounts']

/** A new token of the stream, with its id. */
export async function newToken(
  server: TestServer,
  http: Api,
  { topics = ALL, ...rest }: Scope = {},
): Promise<{ id: string; token: string }> {
  const made = await asOperator(server, http, { method: 'POST', path: '/tokens', body: { topics, ...rest } })
  return must(made).body as { id: string; token: string }
}

/** One who reads the stream with a token. */
export class Consumer {
  readonly #http: Api
  readonly token: string

  constructor(http: Api, token: string) {
    this.#http = http
    this.token = token
  }

  get(path: string, query: Query = {}): Promise<Answer> {
    return this.#http.request('GET', `${STREAM}${path}`, undefined, { token: this.token, query })
  }

  ask(method: string, path: string, body: unknown = {}): Promise<Answer> {
    return this.#http.request(method, `${STREAM}${path}`, body, { token: this.token })
  }

  read(topic: Topic, partition: number, query: Query = {}): Promise<Answer> {
    return this.get(`/topics/${topic}/${partition}`, query)
  }

  /** Everything that a partition has of a topic. */
  async all(topic: Topic, partition: number): Promise<Body[]> {
    const found: Body[] = []
    for (let offset: number | string = 'earliest'; ; ) {
      const { body } = must(await this.read(topic, partition, { offset }))
      if (body.records.length === 0) return found
      found.push(...body.records)
      offset = body.next_offset as number
    }
  }

  /** Everything of a room or a user. */
  async of(topic: Topic, key: string): Promise<Body[]> {
    return (await this.all(topic, partitionOf(key))).filter((record) => record.key === key)
  }

  /** As `of`, once it is as wanted. */
  until(topic: Topic, key: string, isWanted: (records: Body[]) => boolean): Promise<Body[]> {
    return eventually(() => this.of(topic, key), isWanted)
  }

  /** The texts of a room's messages, in the order of the stream. */
  async texts(roomId: string): Promise<string[]> {
    return textsIn(await this.of('events', roomId))
  }
}

/** Of events that were redacted, nothing. */
export const textsIn = (records: readonly Body[]): string[] =>
  records.flatMap(({ event, kind }) =>
    kind === 'event' && event.type === 'm.room.message' ? [event.content.body ?? ''] : [],
  )

/** Someone who reads all topics. */
export async function consumerOf(server: TestServer, http: Api, scope: Scope = {}): Promise<Consumer> {
  return new Consumer(http, (await newToken(server, http, scope)).token)
}

export const everyPartition = Array.from({ length: PARTITIONS }, (_, number) => number)
