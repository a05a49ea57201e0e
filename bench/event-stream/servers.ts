/** Starts the servers of the measurement, and reads their streams. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { WebSocket } from 'undici'
import { readKeys } from '../../local/keys.ts'
import { issueStreamToken } from '../../src/event-stream/tokens.ts'
import { decodeBase64 } from '../../src/protocol/base64.ts'
import { PARTITIONS, TOPICS } from '../../src/protocol/event-stream.ts'
import { startChild, temporaryFolder } from '../child.ts'
import { HttpClient } from '../http.ts'

const START_LIMIT_MS = 60_000
const SERVER_NAME = 'localhost'
const POLL_MS = 10_000

export interface StreamServer {
  url: string
  /** The process that everything of the server descends from. */
  pid: number
  http: HttpClient
  /** A token for all topics. */
  token: string
  stop(): Promise<void>
}

export async function startStreamServer(stream: 'on' | 'off', hooks = false): Promise<StreamServer> {
  const folder = temporaryFolder('event-stream')
  const options = {
    port: '0',
    'data-dir': folder,
    'rate-limits': 'off',
    'password-cost': 'low',
    'log-level': 'error',
    'event-stream': stream,
  }
  const child = await startChild({
    command: process.execPath,
    args: [
      '--disable-warning=ExperimentalWarning',
      join(import.meta.dirname, 'server.ts'),
      hooks ? 'hooks' : 'plain',
      ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
    ],
    ready: /ready: (http:\/\/\S+)/,
    timeoutMs: START_LIMIT_MS,
  })
  const keys = readKeys(join(folder, 'keys.json'))!.token_keys
  const signing = keys.map(({ id, secret }) => ({ id, secret: decodeBase64(secret) }))
  const scope = { id: 'bench', topics: [...TOPICS] }
  const token = await issueStreamToken(scope, { keys: signing, serverName: SERVER_NAME })
  const http = new HttpClient(child.ready)
  return {
    url: child.ready,
    pid: child.pid,
    http,
    token,
    async stop() {
      http.close()
      await child.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Reads all partitions of `events` by long poll from their beginning, until it is stopped. */
export function readEvents(
  { http, token }: StreamServer,
  take: (records: string, count: number) => void,
): { stop(): Promise<void> } {
  let isOver = false
  const read = async (partition: number) => {
    for (let offset = 0; !isOver; ) {
      const path = `/_selvedge/stream/topics/events/${partition}?offset=${offset}&timeout=${POLL_MS}`
      const { status, body } = await http.request('GET', path, token)
      const next = Number(/"next_offset":(\d+)/.exec(body.slice(0, 300))?.[1])
      if (status !== 200) throw new Error(`${path}: ${status} ${body.slice(0, 200)}`)
      if (next > offset) take(body, next - offset)
      offset = next
    }
  }
  const readers = Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => read(partition)))
  readers.catch((error: unknown) => {
    if (!isOver) console.error(error)
  })
  return {
    async stop() {
      isOver = true
      await readers.catch(() => undefined)
    },
  }
}

/** Is given all of `events` on a socket for each partition, from now on, until it is stopped. */
export async function followEvents(
  { token, url: base }: StreamServer,
  take: (records: string) => void,
): Promise<{ stop(): void }> {
  const follow = (partition: number) =>
    new Promise<WebSocket>((resolve, reject) => {
      const url = `${base.replace('http', 'ws')}/_selvedge/stream/topics/events/${partition}/socket?offset=latest`
      const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } })
      socket.addEventListener('error', () => reject(new Error(`${url} ended`)))
      socket.addEventListener('message', ({ data }) => {
        const text = String(data)
        if (text.includes('"type":"hello"')) resolve(socket)
        const next = /"next_offset":(\d+)/.exec(text.slice(0, 300))?.[1]
        if (next === undefined) return
        take(text)
        socket.send(`{"type":"ack","next_offset":${next}}`)
      })
    })
  const sockets = await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => follow(partition)))
  return {
    stop() {
      for (const socket of sockets) socket.close()
    },
  }
}
