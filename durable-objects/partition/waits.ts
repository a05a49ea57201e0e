/** Those that wait for records: sockets of Workers that hold a long poll. The object sleeps meanwhile. */
import { takeFault } from '../../src/faults.ts'
import type { WaitRequest } from '../../src/objects/partition/records.ts'
import type { Topic } from '../../src/protocol/event-stream.ts'

const WAITING = 'waits:'

export class Waits {
  readonly #ctx: DurableObjectState

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx
  }

  /** A socket that is closed once the topic grows; no socket where it has grown already. */
  open({ topic, offset }: WaitRequest, end: number): Response {
    if (end > offset) return new Response(null, { status: 204 })
    const { 0: client, 1: server } = new WebSocketPair()
    this.#ctx.acceptWebSocket(server, [WAITING + topic])
    // No fault: tests wait for this place.
    takeFault('partition:waits')
    return new Response(null, { status: 101, webSocket: client })
  }

  /** Answers those that wait for a topic. */
  end(topic: Topic): void {
    for (const socket of this.#ctx.getWebSockets(WAITING + topic)) close(socket)
  }
}

/** Closes this end too, so that the object can leave the memory. */
export function close(socket: WebSocket, code?: number, reason?: string): void {
  try {
    socket.close(code, reason)
  } catch {
    // Closed already.
  }
}
