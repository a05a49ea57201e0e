/**
 * What becomes of clients that wait, by the rules of decisions 3, 9 and 10. Without sockets and timers: the model in
 * `test/durable-objects/sync-model` runs this class too.
 */
import type { Heads } from './heads.ts'

/** Those that wait, and are not being served. */
export interface WaitingClients<Client> {
  all(): Iterable<Client>
  behind(client: Client): boolean
  /** Whether an incarnation that finds the client takes its token for the head of each room. */
  isLevel(client: Client): boolean
  /** Outlives an eviction. */
  setLevel(client: Client, level: boolean): void
}

/** How often a poll looks again in vain before it waits: a Room that cannot be reached must not keep it busy. */
const LOOKS = 2

export class Waiting<Client> {
  protected readonly clients: WaitingClients<Client>
  readonly #heads: Heads

  constructor(heads: Heads, clients: WaitingClients<Client>) {
    this.#heads = heads
    this.clients = clients
  }

  /**
   * A wake has come. It is answered before the waiting are served: until then they stand as not level, so that an
   * eviction in between loses nothing.
   */
  woken(): void {
    for (const client of this.clients.all())
      if (this.clients.isLevel(client)) this.clients.setLevel(client, false)
  }

  /** Answers the clients that are behind, to be served; the others are level. */
  look(): Client[] {
    const behind: Client[] = []
    for (const client of this.clients.all()) {
      if (this.clients.behind(client)) behind.push(client)
      else this.clients.setLevel(client, this.#heads.settled)
    }
    return behind
  }

  /**
   * Rooms are about to be asked, for any poll, or have been. What was lost with an answer, waiting clients may lack too.
   * @returns whether some must be looked at again
   */
  asked(): boolean {
    const asking = this.#heads.asking()
    let again = false
    for (const client of this.clients.all()) {
      const level = this.#heads.settled && !this.clients.behind(client)
      this.clients.setLevel(client, level)
      if (!level && !asking) again = true
    }
    return again
  }

  /**
   * Whether a poll that has found nothing looks again before it waits: a wake may have come meanwhile, or a Room was
   * not reached.
   * @param vain how often it has looked without getting any further
   */
  looksAgain(behind: boolean, vain: number): boolean {
    return behind && vain < LOOKS
  }

  /** Whether a client must be looked at again that begins to wait: a Room was not reached, and takes it for told. */
  begins(behind: boolean): boolean {
    return behind
  }
}
