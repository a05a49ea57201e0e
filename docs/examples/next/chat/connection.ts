/** In the browser: signs in silently, stays signed in, and tells what is new. */

/** What POST /login answers; `expires_in_ms` is there for sessions that end by themselves. */
export interface SignInAnswer {
  user_id: string
  device_id: string
  access_token: string
  expires_in_ms?: number
}

export interface Message {
  id: string
  roomId: string
  sender: string
  text: string
}

export interface ConnectionOptions {
  homeserver: string
  /** Signs in with the device that is kept, where there is one. */
  signIn: (deviceId: string | undefined) => Promise<SignInAnswer>
  /** Keeps the device: without it each page that is opened would be another device of the user. */
  storage: Pick<Storage, 'getItem' | 'setItem'>
}

/** Signs in by a token that the application's own server makes. */
export function byToken(homeserver: string, token: () => Promise<string>): ConnectionOptions['signIn'] {
  return async (deviceId) => {
    const body = { type: 'org.matrix.login.jwt', token: await token(), device_id: deviceId }
    const answer = await fetch(`${homeserver}/_matrix/client/v3/login`, {
      method: 'POST',
      body: JSON.stringify({ ...body, initial_device_display_name: 'The application' }),
    })
    if (!answer.ok) throw new Error(`The chat refused the sign-in: ${answer.status}`)
    return (await answer.json()) as SignInAnswer
  }
}

const DEVICE = 'chat.device'
/** The session is renewed this long before it ends, ms. */
const EARLY_MS = 60_000
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 60_000

interface Sync {
  next_batch: string
  rooms?: { join?: Record<string, { timeline: { events: SyncedEvent[] } }> }
}

interface SyncedEvent {
  event_id: string
  type: string
  sender: string
  content: { body?: unknown }
}

export class ChatConnection {
  readonly #options: ConnectionOptions
  #session: { token: string; userId: string; endsAt: number } | undefined
  #signingIn: Promise<void> | undefined
  #messages = 0

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  get userId(): string | undefined {
    return this.#session?.userId
  }

  /** Enters a group by its alias or room id; answers the room id. */
  async join(room: string): Promise<string> {
    const answer = await this.#ask<{ room_id: string }>('POST', `/join/${encodeURIComponent(room)}`, {})
    return answer.room_id
  }

  async say(roomId: string, text: string): Promise<void> {
    this.#messages += 1
    const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${Date.now()}.${this.#messages}`
    await this.#ask('PUT', path, { msgtype: 'm.text', body: text })
  }

  /** Tells each message from now on, until `signal` ends it. What fails is tried again, later each time. */
  async listen(tell: (message: Message) => void, signal: AbortSignal): Promise<void> {
    let since: string | undefined
    let pause = FIRST_PAUSE_MS
    while (!signal.aborted) {
      try {
        const query = since === undefined ? 'timeout=0' : `timeout=30000&since=${encodeURIComponent(since)}`
        const news = await this.#ask<Sync>('GET', `/sync?${query}`, undefined, signal)
        if (since !== undefined) for (const message of messagesIn(news)) tell(message)
        since = news.next_batch
        pause = FIRST_PAUSE_MS
      } catch {
        if (signal.aborted) return
        await sleep(pause * (0.5 + Math.random() / 2), signal)
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
      }
    }
  }

  async #ask<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    for (let isSecond = false; ; isSecond = true) {
      if (this.#session === undefined || this.#session.endsAt <= Date.now()) await this.#enter()
      const answer = await fetch(`${this.#options.homeserver}/_matrix/client/v3${path}`, {
        method,
        headers: { authorization: `Bearer ${this.#session?.token}` },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        ...(signal !== undefined && { signal }),
      })
      if (answer.ok) return (await answer.json()) as T
      // The session has ended: the application's own session says whether there is another one.
      if (answer.status !== 401 || isSecond) throw new Error(`The chat answered ${answer.status}`)
      this.#session = undefined
    }
  }

  /** All who wait for a session wait for the same one. */
  #enter(): Promise<void> {
    this.#signingIn ??= this.#signInAgain().finally(() => {
      this.#signingIn = undefined
    })
    return this.#signingIn
  }

  async #signInAgain(): Promise<void> {
    const { signIn, storage } = this.#options
    const answer = await signIn(storage.getItem(DEVICE) ?? undefined)
    storage.setItem(DEVICE, answer.device_id)
    const lives = answer.expires_in_ms ?? Number.POSITIVE_INFINITY
    // A session of less than two minutes is renewed when half of it is over.
    const endsAt = Date.now() + Math.max(lives - EARLY_MS, lives / 2)
    this.#session = { token: answer.access_token, userId: answer.user_id, endsAt }
  }
}

function messagesIn({ rooms }: Sync): Message[] {
  return Object.entries(rooms?.join ?? {}).flatMap(([roomId, { timeline }]) =>
    timeline.events
      .filter(({ type }) => type === 'm.room.message')
      .map(({ event_id, sender, content }) => ({
        id: event_id,
        roomId,
        sender,
        text: String(content.body ?? ''),
      })),
  )
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    const end = () => {
      clearTimeout(timer)
      resolve()
    }
    signal.addEventListener('abort', end, { once: true })
  })
}
