/** JSON values over a socket, one a line: how `npm run backup` and a running server speak with each other. */
import type { Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** What either side says is a few hundred bytes. */
const MOST_BYTES = 16_384

export interface Lines {
  /** The next value, undefined at the end of the connection or for what is no JSON. */
  next(): Promise<unknown>
  say(value: unknown): void
  end(): void
}

/** The lines of a socket; a peer that says too much is cut off. */
export function linesOf(socket: Socket): Lines {
  socket.on('error', () => {})
  let bytes = 0
  socket.on('data', (chunk) => {
    bytes += chunk.length
    if (bytes > MOST_BYTES) socket.destroy()
  })
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  return {
    async next() {
      const { value, done } = await lines.next().catch(() => ({ value: undefined, done: true }))
      return done === true ? undefined : parsed(String(value))
    },
    say: (value) => {
      socket.write(`${JSON.stringify(value)}\n`)
    },
    end: () => {
      socket.end()
    },
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
