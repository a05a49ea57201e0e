/** One connection: from its handshake to its end. What comes is handed on in order; what is asked is answered by its id. */
import { ApiError } from './http.ts'
import type { Json } from './types.ts'

export interface Hello {
  user_id: string
  device_id: string
  expires_in_ms?: number
}

export interface ConnectionParts {
  WebSocket: typeof WebSocket
  url: string
  token: string
  pingMs: number
  /** Takes a message of the server's that is no answer. The next one is taken when it is done. */
  take: (message: Json) => void | Promise<void>
  hello: (hello: Hello) => void
  ended: (code: number, reason: string) => void
}

const PROTOCOL = 'dev.selvedge.stream'
const TOKEN = 'dev.selvedge.token.'
const PING = '{"type":"ping"}'
/** Without any message for so long after a ping the connection is lost, ms. */
const SILENCE_MS = 20_000
const LOST = 4000

interface Asked {
  resolve: (answer: Json) => void
  reject: (error: Error) => void
}

export class Connection {
  readonly #parts: ConnectionParts
  readonly #socket: WebSocket
  readonly #asked = new Map<string, Asked>()
  #count = 0
  #pinger: ReturnType<typeof setInterval> | undefined
  #silence: ReturnType<typeof setTimeout> | undefined
  #queue: Promise<void> = Promise.resolve()
  #isOver = false

  constructor(parts: ConnectionParts) {
    this.#parts = parts
    this.#socket = new parts.WebSocket(parts.url, [PROTOCOL, TOKEN + parts.token])
    this.#socket.addEventListener('message', ({ data }) => this.#came(String(data)))
    this.#socket.addEventListener('close', ({ code, reason }) => this.#end(code, reason))
    // A close event follows.
    this.#socket.addEventListener('error', () => undefined)
    this.#expect()
  }

  /** Says something that is answered only where it is wrong. */
  say(message: Json): void {
    if (!this.#isOver) this.#socket.send(JSON.stringify(message))
  }

  /** Says something, and waits for the answer. @throws ApiError, Error when the connection ends before it */
  ask(message: Json): Promise<Json> {
    this.#count += 1
    const id = `c${this.#count}`
    return new Promise((resolve, reject) => {
      this.#asked.set(id, { resolve, reject })
      this.say({ ...message, id })
    })
  }

  /** Ends it: nothing is told after that but the end. */
  close(code = 1000, reason = ''): void {
    this.#end(code, reason)
  }

  #came(text: string): void {
    clearTimeout(this.#silence)
    this.#silence = undefined
    if (this.#isOver) return
    const message = JSON.parse(text) as Json
    const asked = typeof message.id === 'string' ? this.#asked.get(message.id) : undefined
    if (asked !== undefined) {
      this.#asked.delete(message.id as string)
      if (message.type === 'error') asked.reject(new ApiError(400, message))
      else asked.resolve(message)
    } else if (message.type === 'hello') this.#begin(message as Json & Hello)
    else if (message.type !== 'pong') {
      this.#queue = this.#queue.then(() => (this.#isOver ? undefined : this.#parts.take(message)))
    }
  }

  #begin(hello: Hello): void {
    this.#pinger = setInterval(() => {
      this.#socket.send(PING)
      this.#expect()
    }, this.#parts.pingMs)
    this.#parts.hello(hello)
    // A connection on which a client has said something is closed sooner when the server ends it.
    this.ask({ type: 'ping' }).catch(() => undefined)
  }

  /** Something must come, or the connection is lost. */
  #expect(): void {
    this.#silence ??= setTimeout(() => this.#end(LOST, 'Nothing came'), SILENCE_MS)
  }

  #end(code: number, reason: string): void {
    if (this.#isOver) return
    this.#isOver = true
    clearInterval(this.#pinger)
    clearTimeout(this.#silence)
    const lost = new Error('The stream ended before the answer')
    for (const { reject } of this.#asked.values()) reject(lost)
    this.#asked.clear()
    this.#socket.close()
    this.#parts.ended(code, reason)
  }
}
