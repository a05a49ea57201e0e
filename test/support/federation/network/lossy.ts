/** A network that loses requests and answers, and falls into parts. */

import { ServerFailure } from '../../../../src/federation/server-failure.ts'
import type { FederationClient, ServerRequest } from '../../../../src/ports/federation.ts'
import { MatrixError } from '../../../../src/protocol/errors.ts'
import { REQUESTS } from '../../../../src/protocol/federation/requests.ts'
import type { Random } from '../../../fuzz/random.ts'

/** A server as the network reaches it: answers a request's text. @throws MatrixError */
export type Serve = (origin: string, request: ServerRequest) => Promise<string>

export class LossyNetwork {
  readonly #random: Random
  readonly #servers = new Map<string, Serve>()
  /** The part in which a server is. Servers of different parts do not reach each other. */
  #parts = new Map<string, number>()
  /** How many of the requests, and of the answers, are lost. */
  #loss = 0
  lost = 0

  constructor(random: Random) {
    this.#random = random
  }

  attach(serverName: string, serve: Serve): void {
    this.#servers.set(serverName, serve)
  }

  /** From now on some requests and answers are lost, and the servers are in so many parts. */
  disturb(loss: number, parts: number): void {
    this.#loss = loss
    this.#parts = new Map([...this.#servers.keys()].map((name) => [name, this.#random.below(parts)]))
  }

  heal(): void {
    this.disturb(0, 1)
  }

  clientOf(origin: string): FederationClient {
    return { ask: (request) => this.#ask(origin, request) }
  }

  async #ask(origin: string, request: ServerRequest): Promise<{ text: string }> {
    await this.#pause()
    const serve = this.#servers.get(request.destination)
    if (serve === undefined || !this.#isReached(origin, request.destination)) throw this.#failure()
    const text = await serve(origin, request).catch((error: unknown) => {
      if (!(error instanceof MatrixError)) throw error
      throw new ServerFailure('refused', { status: error.status, errcode: error.errcode })
    })
    await this.#pause()
    // The other server has done what it was asked for.
    if (!this.#isReached(origin, request.destination)) throw this.#failure()
    if (text.length > REQUESTS[request.kind].maxBytes) throw new ServerFailure('unfit')
    return { text }
  }

  #isReached(origin: string, destination: string): boolean {
    return this.#parts.get(origin) === this.#parts.get(destination) && !this.#random.chance(this.#loss)
  }

  #failure(): ServerFailure {
    this.lost += 1
    return new ServerFailure('unreachable')
  }

  /** Requests that are under way together overtake each other. */
  async #pause(): Promise<void> {
    for (let turns = this.#random.below(8); turns > 0; turns--) await Promise.resolve()
  }
}
