/** A small client for real Redis servers: RESP2 over one connection, pipelined, and connected anew when it was lost. */
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** A reply; an error reply is a value, since one of a pipeline must not spoil the others. */
export type RespReply = string | number | null | Error | RespReply[]

export interface RespClient {
  /** Sends the commands together and answers their replies in order. */
  send(commands: string[][]): Promise<RespReply[]>
  close(): void
}

const connectTimeoutMs = 5000

/** Connects by a `redis://` or `rediss://` address: user, password and database number as in the URL. */
export async function connectResp(address: string): Promise<RespClient> {
  const url = new URL(address)
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:')
    throw new Error(`not a Redis address: ${url.protocol}`)
  let connection: Promise<Connection> | undefined
  let closed = false
  const current = (): Promise<Connection> => {
    if (closed) throw new Error('the Redis client is closed')
    connection ??= open(url, () => {
      connection = undefined
    })
    return connection
  }
  await current()
  return {
    async send(commands) {
      if (commands.length === 0) return []
      return (await current()).send(commands)
    },
    close() {
      closed = true
      connection?.then((open) => open.end()).catch(() => {})
    },
  }
}

interface Connection {
  send(commands: string[][]): Promise<RespReply[]>
  end(): void
}

interface Waiting {
  resolve(reply: RespReply): void
  reject(error: Error): void
}

async function open(url: URL, lost: () => void): Promise<Connection> {
  const waiting: Waiting[] = []
  let received: Buffer = Buffer.alloc(0)
  const fail = (error: Error) => {
    lost()
    socket.destroy()
    for (const one of waiting.splice(0)) one.reject(error)
  }
  const socket = await dial(url).catch((error) => {
    lost()
    throw error
  })
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('Redis closed the connection')))
  socket.on('data', (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    try {
      for (let next = readReply(received, 0); next; next = readReply(received, 0)) {
        received = received.subarray(next.end)
        waiting.shift()?.resolve(next.reply)
      }
    } catch (error) {
      fail(error as Error)
    }
  })
  const send = (commands: string[][]): Promise<RespReply[]> => {
    if (socket.destroyed) return Promise.reject(new Error('Redis closed the connection'))
    const replies = commands.map(
      () => new Promise<RespReply>((resolve, reject) => waiting.push({ resolve, reject })),
    )
    socket.write(commands.map(encode).join(''))
    return Promise.all(replies)
  }
  await greet(url, send).catch((error) => {
    fail(error)
    throw error
  })
  return { send, end: () => socket.end() }
}

async function greet(url: URL, send: (commands: string[][]) => Promise<RespReply[]>): Promise<void> {
  const commands: string[][] = []
  const user = decodeURIComponent(url.username)
  if (url.password) commands.push(['auth', ...(user ? [user] : []), decodeURIComponent(url.password)])
  if (url.pathname.length > 1) commands.push(['select', url.pathname.slice(1)])
  const replies = await send([...commands, ['ping']])
  const refused = replies.find((reply) => reply instanceof Error)
  if (refused) throw refused
}

function dial(url: URL): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const port = Number(url.port || 6379)
    // URL keeps the brackets of an IPv6 address; sockets want it without.
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const secure = url.protocol === 'rediss:'
    const socket = secure ? connectTls({ host, port, servername: host }) : connectTcp({ host, port })
    socket.setTimeout(connectTimeoutMs, () =>
      socket.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)),
    )
    socket.once('error', reject)
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      socket.removeListener('error', reject)
      socket.setTimeout(0)
      socket.setNoDelay(true)
      resolve(socket)
    })
  })
}

function encode(words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`
}

/** The reply that starts at `start`, or undefined while it is incomplete. */
export function readReply(bytes: Buffer, start: number): { reply: RespReply; end: number } | undefined {
  const lineEnd = bytes.indexOf('\r\n', start)
  if (lineEnd < 0) return undefined
  const text = bytes.toString('utf8', start + 1, lineEnd)
  const end = lineEnd + 2
  switch (String.fromCharCode(bytes[start]!)) {
    case '+':
      return { reply: text, end }
    case '-':
      return { reply: new Error(text), end }
    case ':':
      return { reply: Number(text), end }
    case '$': {
      const length = Number(text)
      if (length < 0) return { reply: null, end }
      if (bytes.length < end + length + 2) return undefined
      return { reply: bytes.toString('utf8', end, end + length), end: end + length + 2 }
    }
    case '*':
      return readArray(bytes, end, Number(text))
    default:
      throw new Error('Redis answered what is not RESP')
  }
}

function readArray(
  bytes: Buffer,
  start: number,
  length: number,
): { reply: RespReply; end: number } | undefined {
  if (length < 0) return { reply: null, end: start }
  const items: RespReply[] = []
  let end = start
  while (items.length < length) {
    const item = readReply(bytes, end)
    if (!item) return undefined
    items.push(item.reply)
    end = item.end
  }
  return { reply: items, end }
}
