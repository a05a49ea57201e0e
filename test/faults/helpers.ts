/** What the fault tests share: a client that never stops receiving, a room's history. */
import { type Body, type Client, must } from '../support/client.ts'
import { eventually } from '../support/eventually.ts'

/** The path of something in a room. */
export function inRoom(roomId: string, ...parts: string[]): string {
  return ['/rooms', roomId, ...parts].map((part, i) => (i === 0 ? part : encodeURIComponent(part))).join('/')
}

/** All message events that a member can page through, oldest first. */
export async function history(client: Client, roomId: string): Promise<Body[]> {
  const found: Body[] = []
  let from: string | undefined
  do {
    const { body } = must(await client.get(inRoom(roomId, 'messages'), { dir: 'f', limit: 200, from }))
    found.push(...body.chunk)
    from = body.end
  } while (from !== undefined)
  return found.filter((event) => event.type === 'm.room.message')
}

/** A device that always waits for more, and keeps what a room's timeline brought it, whatever befalls the server. */
export class Receiver {
  readonly events: Body[] = []
  /** How often a timeline came with a gap before it. */
  gaps = 0
  readonly #client: Client
  readonly #roomId: string
  readonly #stopped = new AbortController()
  #since: string
  #running: Promise<void>

  private constructor(client: Client, roomId: string, since: string) {
    this.#client = client
    this.#roomId = roomId
    this.#since = since
    this.#running = this.#receive()
  }

  /** Receives all that comes after now. */
  static async start(client: Client, roomId: string): Promise<Receiver> {
    return new Receiver(client, roomId, must(await client.sync()).body.next_batch)
  }

  /** The bodies of the messages received so far. */
  texts(): string[] {
    return this.events.map((event) => event.content.body)
  }

  /** Waits for a message. */
  async until(text: string, patienceMs?: number): Promise<void> {
    await eventually(
      () => this.texts(),
      (texts) => texts.includes(text),
      patienceMs,
    )
  }

  async stop(): Promise<void> {
    this.#stopped.abort()
    await this.#running
  }

  async #receive(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const answer = await eventually(
        () => this.#poll(),
        (body) => body !== undefined || this.#stopped.signal.aborted,
        Number.POSITIVE_INFINITY,
      )
      if (answer !== undefined) this.#take(answer)
    }
  }

  /** Undefined: the server was gone; the same question will be put again. */
  async #poll(): Promise<Body | undefined> {
    try {
      const query = { since: this.#since, timeout: 20_000 }
      const { status, body } = await this.#client.sync(query, this.#stopped.signal)
      return status === 200 ? body : undefined
    } catch {
      return undefined
    }
  }

  #take(body: Body): void {
    this.#since = body.next_batch
    const timeline = body.rooms?.join?.[this.#roomId]?.timeline
    if (timeline === undefined) return
    if (timeline.limited) this.gaps += 1
    this.events.push(...timeline.events.filter((event: Body) => event.type === 'm.room.message'))
  }
}
