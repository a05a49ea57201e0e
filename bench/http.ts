/** A lean HTTP/1.1 client over raw keep-alive sockets: it shares two cores with the server it measures. */

import net from 'node:net'

export interface Reply {
  status: number
  body: string
}

interface Exchange {
  resolve(reply: Reply): void
  reject(error: Error): void
}

interface Head {
  status: number
  bodyStart: number
  length: number | 'chunked' | 'until-close'
  close: boolean
}

const HEAD_END = Buffer.from('\r\n\r\n')
const SOCKET_TIMEOUT_MS = 180_000

/** One socket, one request at a time; its holder may destroy it to abandon a long poll. */
export class Connection {
  readonly #socket: net.Socket
  #exchange: Exchange | undefined
  #chunks: Buffer[] = []
  #size = 0
  #head: Head | undefined
  closed = false
  /** Whether it has brought an answer already. */
  used = false

  constructor(host: string, port: number) {
    this.#socket = net.connect({ host, port, noDelay: true })
    this.#socket.setTimeout(SOCKET_TIMEOUT_MS, () =>
      this.#fail(new Error('the server said nothing for three minutes')),
    )
    this.#socket.on('data', (chunk) => this.#receive(chunk))
    this.#socket.on('error', (error) => this.#fail(error))
    this.#socket.on('close', () => this.#ended())
  }

  /** Sends one request whose bytes are ready and waits for the whole reply. */
  exchange(request: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#exchange = { resolve, reject }
      this.#socket.write(request)
    })
  }

  /** Whether part of a reply has come. */
  get answering(): boolean {
    return this.#size > 0
  }

  destroy(): void {
    this.closed = true
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    this.#head ??= readHead(this.#joined())
    if (this.#head === undefined || !mayBeWhole(this.#head, this.#size, chunk)) return
    const body = readBody(this.#joined(), this.#head)
    if (body !== undefined) this.#settle(this.#head, body)
  }

  #joined(): Buffer {
    const [only] = this.#chunks
    const joined = this.#chunks.length === 1 && only !== undefined ? only : Buffer.concat(this.#chunks)
    this.#chunks = [joined]
    return joined
  }

  #settle(head: Head, body: string): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    this.#chunks = []
    this.#size = 0
    this.#head = undefined
    this.used = true
    if (head.close) this.destroy()
    exchange?.resolve({ status: head.status, body })
  }

  #ended(): void {
    const head = this.#head
    if (head?.length === 'until-close') {
      this.#settle({ ...head, close: true }, this.#joined().toString('utf8', head.bodyStart))
    }
    this.#fail(new Error('the server closed the connection'))
  }

  #fail(error: Error): void {
    const exchange = this.#exchange
    this.#exchange = undefined
    this.destroy()
    exchange?.reject(error)
  }
}

/** Idle connections to one server; grows to as many as are in flight. */
export class HttpClient {
  readonly host: string
  readonly port: number
  readonly #idle: Connection[] = []

  constructor(url: string) {
    const parsed = new URL(url)
    if (parsed.protocol !== 'http:')
      throw new Error(`the bench speaks plain http only, not ${parsed.protocol}`)
    this.host = parsed.hostname
    this.port = Number(parsed.port || 80)
  }

  connect(): Connection {
    return new Connection(this.host, this.port)
  }

  async request(
    method: string,
    path: string,
    token?: string,
    text?: string,
    type = 'application/json',
  ): Promise<Reply> {
    const bytes = this.encode(method, path, token, text, type)
    const idle = this.#takeIdle()
    const connection = idle ?? this.connect()
    try {
      return await this.#exchange(connection, bytes)
    } catch (error) {
      // An idle connection may be closed by the server in the moment it is used again.
      if (idle !== undefined && !idle.answering) return this.#exchange(this.connect(), bytes)
      throw new Error(`${method} ${path.slice(0, 120)}: ${error instanceof Error ? error.message : error}`)
    }
  }

  async #exchange(connection: Connection, bytes: string): Promise<Reply> {
    const reply = await connection.exchange(bytes)
    if (!connection.closed) this.#idle.push(connection)
    return reply
  }

  /** The request's bytes, in one string so that they leave in one packet. */
  encode(method: string, path: string, token?: string, text?: string, type = 'application/json'): string {
    const authorization = token === undefined ? '' : `authorization: Bearer ${token}\r\n`
    const start = `${method} ${path} HTTP/1.1\r\nhost: ${this.host}:${this.port}\r\n${authorization}`
    if (text === undefined) return `${start}\r\n`
    return `${start}content-type: ${type}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`
  }

  close(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy()
  }

  #takeIdle(): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop()) {
      if (!connection.closed) return connection
    }
    return undefined
  }
}

function readHead(bytes: Buffer): Head | undefined {
  const end = bytes.indexOf(HEAD_END)
  if (end < 0) return undefined
  const text = bytes.toString('latin1', 0, end).toLowerCase()
  const status = Number(text.slice(9, 12))
  const length = /\r\ncontent-length: *(\d+)/.exec(text)?.[1]
  const chunked = /\r\ntransfer-encoding:[^\r]*chunked/.test(text)
  return {
    status,
    bodyStart: end + HEAD_END.length,
    length: bodyLength(status, length, chunked),
    close: /\r\nconnection: *close/.test(text),
  }
}

function bodyLength(status: number, length: string | undefined, chunked: boolean): Head['length'] {
  if (status === 204 || status === 304) return 0
  if (chunked) return 'chunked'
  return length === undefined ? 'until-close' : Number(length)
}

/** Whether looking at the whole is worth it: joining at every chunk of a long answer would cost its square. */
function mayBeWhole({ length, bodyStart }: Head, size: number, newest: Buffer): boolean {
  if (length === 'until-close') return false
  if (length === 'chunked')
    return newest.length < 4 || newest.toString('latin1', newest.length - 4) === '\r\n\r\n'
  return size >= bodyStart + length
}

function readBody(bytes: Buffer, head: Head): string | undefined {
  if (head.length === 'until-close') return undefined
  if (head.length === 'chunked') return readChunks(bytes, head.bodyStart)
  const end = head.bodyStart + head.length
  return bytes.length < end ? undefined : bytes.toString('utf8', head.bodyStart, end)
}

/** The joined chunks, or undefined while the last one has not come. */
function readChunks(bytes: Buffer, start: number): string | undefined {
  const parts: Buffer[] = []
  for (let at = start; ; ) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (size === 0) return Buffer.concat(parts).toString('utf8')
    const end = lineEnd + 2 + size
    if (bytes.length < end + 2) return undefined
    parts.push(bytes.subarray(lineEnd + 2, end))
    at = end + 2
  }
}
