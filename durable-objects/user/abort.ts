/** Tests: an object's death at a planned place, with what it has written on disk and its sockets closed. */

const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 0))

export class PlannedAbort {
  readonly #ctx: DurableObjectState
  #begun = false

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx
  }

  /**
   * A request that comes between the close and the abort gets no answer: the abort breaks it off, and the client asks
   * again.
   */
  async holdUp(): Promise<void> {
    if (this.#begun) await new Promise<never>(() => {})
  }

  async run(): Promise<never> {
    await this.#ctx.storage.sync()
    this.#begun = true
    await this.#closeSockets()
    this.#ctx.abort('A test aborted this object')
    throw new Error('aborted')
  }

  /**
   * An abort is meant to do it, but in some versions of the runtime it forgets the sockets that were opened by
   * requests at the same time (docs/decisions, 6): their other ends would never hear of it.
   */
  async #closeSockets(): Promise<void> {
    const open = () => this.#ctx.getWebSockets().filter((socket) => socket.readyState === WebSocket.OPEN)
    for (let left = open(); left.length > 0; left = open()) {
      for (const socket of left) socket.close(1011, 'The object is reset')
      // A close leaves at the end of a turn, in which another socket may have opened.
      await turn()
    }
  }
}
