/** Clients that always wait in a poll, as open ones do, and note what they were told. */
import { type Body, type Client, must } from '../../support/client.ts'

const TIMEOUT_MS = 30_000

export const enc = encodeURIComponent

/** The work for all of them at once. */
export const all = <T>(some: readonly T[], work: (one: T) => Promise<unknown>) => Promise.all(some.map(work))

export class Reader {
  readonly client: Client
  /** What its polls say of it. */
  #presence = 'online'
  readonly #stop = new AbortController()
  readonly #told = new Set<string>()
  #heard: () => void = () => {}
  #ended: Promise<void> = Promise.resolve()

  constructor(client: Client) {
    this.client = client
  }

  /** From here on a poll waits, and after each answer the next. */
  async start(): Promise<void> {
    const { body } = must(await this.client.sync())
    this.#ended = this.#poll(body.next_batch)
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#ended
  }

  /** Answers once a poll has said so. */
  async becomes(presence: 'online' | 'unavailable'): Promise<void> {
    this.#presence = presence
    // Its poll ends, so that the next one says it.
    must(
      await this.client.put(`/user/${enc(this.client.userId)}/account_data/org.example.presence`, {
        presence,
      }),
    )
    await this.hears(facts.presence(this.client.userId, presence))
  }

  /** Answers once the client has been told of all of these. */
  async hears(...facts: string[]): Promise<void> {
    while (!facts.every((fact) => this.#told.has(fact))) {
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
    for (const fact of facts) this.#told.delete(fact)
  }

  async #poll(first: string): Promise<void> {
    const { signal } = this.#stop
    for (let since = first; !signal.aborted; ) {
      const query = { since, timeout: TIMEOUT_MS, set_presence: this.#presence }
      const answer = await this.client.sync(query, signal).catch(() => undefined)
      if (answer === undefined) return
      const { body } = must(answer)
      since = body.next_batch
      for (const fact of factsIn(body)) this.#told.add(fact)
      this.#heard()
    }
  }
}

export const facts = {
  event: (eventId: string) => `event ${eventId}`,
  receipt: (eventId: string, userId: string) => `receipt ${eventId} ${userId}`,
  typing: (roomId: string, userIds: string[]) => `typing ${roomId} ${userIds.join()}`,
  presence: (userId: string, presence: string) => `presence ${userId} ${presence}`,
  toDevice: (type: string) => `to-device ${type}`,
}

function factsIn(body: Body): string[] {
  const rooms = Object.entries<Body>(body.rooms?.join ?? {})
  return [
    ...rooms.flatMap(([roomId, room]) => [
      ...(room.timeline?.events ?? []).map((event: Body) => facts.event(event.event_id)),
      ...(room.ephemeral?.events ?? []).flatMap((edu: Body) => ephemeralFacts(roomId, edu)),
    ]),
    ...(body.presence?.events ?? []).map(({ sender, content }: Body) =>
      facts.presence(sender, content.presence),
    ),
    ...(body.to_device?.events ?? []).map(({ type }: Body) => facts.toDevice(type)),
  ]
}

function ephemeralFacts(roomId: string, { type, content }: Body): string[] {
  if (type === 'm.typing') return [facts.typing(roomId, content.user_ids)]
  if (type !== 'm.receipt') return []
  return Object.entries<Body>(content).flatMap(([eventId, kinds]) =>
    Object.keys(kinds['m.read'] ?? {}).map((userId) => facts.receipt(eventId, userId)),
  )
}
