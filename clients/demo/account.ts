/** An account for the demo page: signs in or registers, renews its token, and enters a group. */
import { ApiError } from '../stream/index.ts'

type Json = Record<string, unknown>

export interface Entering {
  name: string
  password: string
  isNew: boolean
}

/** A token with less than this left is renewed when it is asked for, ms. */
const SOON_MS = 60_000

export class Account {
  readonly userId: string
  readonly #url: string
  #session: Json
  #renewedAt: number

  private constructor(url: string, session: Json) {
    this.#url = url
    this.userId = String(session.user_id)
    this.#session = session
    this.#renewedAt = Date.now()
  }

  /** @throws ApiError */
  static async enter(url: string, { name, password, isNew }: Entering): Promise<Account> {
    const wishes = { refresh_token: true, initial_device_display_name: 'Selvedge demo' }
    const session = isNew
      ? await ask(url, 'POST', '/register', {
          ...wishes,
          username: name,
          password,
          auth: { type: 'm.login.dummy' },
        })
      : await ask(url, 'POST', '/login', {
          ...wishes,
          type: 'm.login.password',
          identifier: { type: 'm.id.user', user: name },
          password,
        })
    return new Account(url, session)
  }

  /** A token that lives for a while. @throws ApiError */
  async token(): Promise<string> {
    const { expires_in_ms: lifetime, refresh_token } = this.#session
    const left =
      typeof lifetime === 'number' ? this.#renewedAt + lifetime - Date.now() : Number.POSITIVE_INFINITY
    if (left < SOON_MS) {
      this.#session = { ...this.#session, ...(await ask(this.#url, 'POST', '/refresh', { refresh_token })) }
      this.#renewedAt = Date.now()
    }
    return String(this.#session.access_token)
  }

  /** Joins the group of an alias, such as `#loom:example.org`, and makes it where there is none. @throws ApiError */
  async enterGroup(alias: string): Promise<string> {
    const token = await this.token()
    try {
      return String((await ask(this.#url, 'POST', `/join/${encodeURIComponent(alias)}`, {}, token)).room_id)
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404) throw error
    }
    const room_alias_name = alias.slice(1).split(':')[0]
    const made = { preset: 'public_chat', room_alias_name, name: room_alias_name }
    return String((await ask(this.#url, 'POST', '/createRoom', made, token)).room_id)
  }
}

async function ask(url: string, method: string, path: string, body: Json, token?: string): Promise<Json> {
  const answer = await fetch(`${url}/_matrix/client/v3${path}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  })
  const read = (await answer.json().catch(() => ({}))) as Json
  if (!answer.ok) throw new ApiError(answer.status, read)
  return read
}
