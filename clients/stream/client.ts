/** The client: keeps a stream open, goes on where it stood after an interruption, and does what small things one does in rooms. */
import { retryDelay } from './backoff.ts'
import { Connection, type Hello } from './connection.ts'
import { type Http, httpOf } from './http.ts'
import { type Listener, Listeners } from './listeners.ts'
import type { Events, Json, MatrixEvent, StreamClientOptions, SyncBody } from './types.ts'

const PATH = '/_matrix/client/unstable/dev.selvedge.stream'
const PING_MS = 60_000
/** A token is renewed when a tenth of its life is left, or half a minute. */
const RENEWED_AT = 0.1
const RENEWED_BEFORE_MS = 30_000
/** A timer takes no more. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The application itself has ended it. */
const NORMAL = 1000
/** The token was refused: another one may do. */
const TOKEN_ENDED = 4401
/** What is not tried again: the request is wrong, or others of the device have taken its place. */
const FINAL: ReadonlySet<number> = new Set([4400, 4409, 1009])

export class StreamClient {
  readonly #options: StreamClientOptions
  readonly #listeners = new Listeners()
  readonly #http: Http
  #connection: Connection | undefined
  #position: string | undefined
  #token: string | undefined
  /** The client of a stream that is to be open. */
  #wanted = false
  #wasOpen = false
  #failures = 0
  /** The token was refused, and the one after it has not been taken yet. */
  #refused = false
  #retry: ReturnType<typeof setTimeout> | undefined
  #renewal: ReturnType<typeof setTimeout> | undefined
  #transactions = 0
  #asking: Promise<string> | undefined

  constructor(options: StreamClientOptions) {
    this.#options = { ...options, url: options.url.replace(/\/+$/, '') }
    this.#position = options.since
    this.#http = httpOf({
      url: this.#options.url,
      fetch: options.fetch ?? ((...args) => fetch(...args)),
      token: (anew) => this.#knownToken(anew),
    })
  }

  /** Listens; answers what ends that. */
  on<Name extends keyof Events>(name: Name, listener: Listener<Name>): () => void {
    return this.#listeners.on(name, listener)
  }

  /** The position that everything up to was told and acknowledged. */
  get position(): string | undefined {
    return this.#position
  }

  /** Opens the stream, and keeps it open until `close`. Answers when it is open, fails when that is over for good. */
  connect(): Promise<Events['open']> {
    if (this.#wanted) return Promise.reject(new Error('The stream is open, or about to be'))
    this.#wanted = true
    // The network is back: there is no need to wait any longer.
    globalThis.addEventListener?.('online', this.#hurry)
    return new Promise((resolve, reject) => {
      const ends: (() => void)[] = []
      const once = (work: () => void) => {
        for (const end of ends) end()
        work()
      }
      ends.push(this.on('open', (opened) => once(() => resolve(opened))))
      ends.push(
        this.on('end', ({ code, reason }) =>
          once(() => reject(new Error(`The stream ended: ${code} ${reason}`))),
        ),
      )
      void this.#open()
    })
  }

  /** Ends the stream. */
  close(): void {
    if (!this.#wanted) return
    this.#wanted = false
    clearTimeout(this.#retry)
    if (this.#connection === undefined) this.#lost(NORMAL, 'Closed')
    else this.#connection.close(NORMAL, 'Closed')
  }

  // ------------------------------------------------------------ rooms, by the HTTP API

  /** Any request to the API, by its path below `/_matrix/client/v3`. @throws ApiError */
  api(method: string, path: string, body?: unknown): Promise<Json> {
    return this.#http(method, path, body)
  }

  /** Joins a group, by its alias or room id. Answers the room id. @throws ApiError */
  async join(roomIdOrAlias: string): Promise<string> {
    return (await this.#http('POST', `/join/${encodeURIComponent(roomIdOrAlias)}`, {})).room_id as string
  }

  /** Sends a message: a text, or the content of any event. Answers the event id. @throws ApiError */
  async send(roomId: string, content: string | Json, type = 'm.room.message'): Promise<string> {
    this.#transactions += 1
    const unique = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}-${this.#transactions}`
    const path = `/rooms/${encodeURIComponent(roomId)}/send/${encodeURIComponent(type)}/${unique}`
    const body = typeof content === 'string' ? { msgtype: 'm.text', body: content } : content
    return (await this.#http('PUT', path, body)).event_id as string
  }

  /** The newest messages of a room, oldest first. @throws ApiError */
  async history(roomId: string, limit = 30): Promise<MatrixEvent[]> {
    const path = `/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=${limit}`
    return ((await this.#http('GET', path)).chunk as MatrixEvent[]).reverse()
  }

  // ------------------------------------------------------------ small things, by the stream

  /** Begins or ends typing. @throws ApiError */
  typing(roomId: string, typing: boolean, timeoutMs?: number): Promise<unknown> {
    return this.#ask({
      type: 'typing',
      room_id: roomId,
      typing,
      ...(timeoutMs !== undefined && { timeout: timeoutMs }),
    })
  }

  /** Has read up to an event. @throws ApiError */
  read(
    roomId: string,
    eventId: string,
    type: 'm.read' | 'm.read.private' | 'm.fully_read' = 'm.read',
  ): Promise<unknown> {
    return this.#ask({ type: 'receipt', room_id: roomId, event_id: eventId, receipt_type: type })
  }

  /** Says what the user is. @throws ApiError */
  presence(presence: 'online' | 'unavailable' | 'offline', statusMsg?: string): Promise<unknown> {
    return this.#ask({
      type: 'presence',
      presence,
      ...(statusMsg !== undefined && { status_msg: statusMsg }),
    })
  }

  // ------------------------------------------------------------ inside

  #ask(message: Json): Promise<Json> {
    return this.#connection?.ask(message) ?? Promise.reject(new Error('The stream is not open'))
  }

  async #open(): Promise<void> {
    this.#retry = undefined
    try {
      this.#token = await this.#freshToken()
    } catch (error) {
      await this.#listeners.tell('error', error)
      this.#lost(0, 'No token could be had')
      return
    }
    if (!this.#wanted) return
    const connection: Connection = new Connection({
      WebSocket: this.#options.WebSocket ?? WebSocket,
      url: this.#address(),
      token: this.#token,
      pingMs: this.#options.pingMs ?? PING_MS,
      take: (message) => this.#take(connection, message),
      hello: (hello) => this.#opened(hello),
      ended: (code, reason) => this.#lost(code, reason),
    })
    this.#connection = connection
  }

  #address(): string {
    const { url, filter, presence } = this.#options
    const query = new URLSearchParams()
    if (this.#position !== undefined) query.set('since', this.#position)
    if (filter !== undefined) query.set('filter', filterText(filter))
    if (presence !== undefined) query.set('set_presence', presence)
    return `${url.replace(/^http/, 'ws')}${PATH}?${query}`
  }

  #opened(hello: Hello): void {
    const again = this.#wasOpen
    this.#wasOpen = true
    this.#failures = 0
    this.#refused = false
    this.#renewBefore(hello.expires_in_ms)
    void this.#listeners.tell('open', { userId: hello.user_id, deviceId: hello.device_id, again })
  }

  async #take(connection: Connection, message: Json): Promise<void> {
    if (message.type === 'sync') await this.#taken(connection, message.body as SyncBody)
    else if (message.type === 'catch_up') await this.#catchUp(connection, message)
    else if (message.type === 'error') await this.#listeners.tell('error', message)
  }

  async #taken(connection: Connection, body: SyncBody): Promise<void> {
    await this.#listeners.tellSync(body)
    this.#position = body.next_batch
    connection.say({ type: 'ack', position: body.next_batch })
    await this.#listeners.tell('position', body.next_batch)
  }

  /** What is too long for a message comes by HTTP. */
  async #catchUp(connection: Connection, { since }: Json): Promise<void> {
    const query = new URLSearchParams({ set_presence: 'offline' })
    if (typeof since === 'string') query.set('since', since)
    if (this.#options.filter !== undefined) query.set('filter', filterText(this.#options.filter))
    try {
      await this.#taken(connection, (await this.#http('GET', `/sync?${query}`)) as SyncBody)
    } catch (error) {
      await this.#listeners.tell('error', error)
      connection.close(1011, 'What was missing could not be had')
    }
  }

  #renewBefore(expiresInMs: number | undefined): void {
    clearTimeout(this.#renewal)
    if (expiresInMs === undefined) return
    const left = Math.min(RENEWED_BEFORE_MS, expiresInMs * RENEWED_AT)
    this.#renewal = setTimeout(() => void this.#renew(), Math.min(LONGEST_TIMER_MS, expiresInMs - left))
  }

  async #renew(): Promise<void> {
    try {
      this.#token = await this.#freshToken()
      // Where the new token has ended the session of the old one, the stream was ended too, and is opened with it.
      if (this.#connection === undefined) return
      const { expires_in_ms } = await this.#ask({ type: 'token', access_token: this.#token })
      this.#renewBefore(expires_in_ms as number | undefined)
    } catch (error) {
      // The stream ends when the token does, and is opened with another one.
      await this.#listeners.tell('error', error)
    }
  }

  /** Who asks while another one does gets the same. */
  #freshToken(): Promise<string> {
    this.#asking ??= Promise.resolve()
      .then(() => this.#options.token())
      .finally(() => {
        this.#asking = undefined
      })
    return this.#asking
  }

  async #knownToken(anew: boolean): Promise<string> {
    if (anew || this.#token === undefined) this.#token = await this.#freshToken()
    return this.#token
  }

  #lost(code: number, reason: string): void {
    this.#connection = undefined
    clearTimeout(this.#renewal)
    const twice = code === TOKEN_ENDED && this.#refused
    this.#refused = code === TOKEN_ENDED
    if (!this.#wanted || FINAL.has(code) || twice) {
      this.#wanted = false
      this.#wasOpen = false
      globalThis.removeEventListener?.('online', this.#hurry)
      void this.#listeners.tell('end', { code, reason })
      return
    }
    const { random = Math.random } = this.#options
    // A token that has just expired is no fault of the server's: the next one is tried at once.
    const inMs = code === TOKEN_ENDED ? 0 : retryDelay({ failures: this.#failures, code, random })
    this.#failures += 1
    this.#retry = setTimeout(() => void this.#open(), inMs)
    void this.#listeners.tell('retry', { inMs, code, reason })
  }

  readonly #hurry = (): void => {
    if (this.#retry === undefined || !this.#wanted) return
    clearTimeout(this.#retry)
    void this.#open()
  }
}

function filterText(filter: string | Json): string {
  return typeof filter === 'string' ? filter : JSON.stringify(filter)
}
