/** A bare client of the stream: keeps what comes, and says only what a test has it say. */
import { expect } from 'vitest'
import type { Body, Client } from './client.ts'
import type { TestServer } from './server.ts'

export const STREAM_PATH = '/_matrix/client/unstable/dev.selvedge.stream'
const PATIENCE = { timeout: 25_000, interval: 5 }

export interface StreamOptions {
  since?: string
  query?: Record<string, string>
  headers?: Record<string, string>
  protocols?: string[]
  /** The text of an increment that is not acknowledged; all others are, as they come. */
  holds?: string
}

export interface BareStream {
  socket: WebSocket
  /** All messages so far. */
  messages: Body[]
  /** The bodies of the increments so far. */
  bodies: Body[]
  /** The last position that came. */
  position(): string | undefined
  say(message: Body | string): void
  /** Waits until a message is there that fits. */
  next(fits: (message: Body) => boolean, what?: string): Promise<Body>
  /** Says something with an id, and waits for its answer. */
  ask(message: Body): Promise<Body>
  /** Waits for the end of the stream. */
  closed(): Promise<{ code: number; reason: string }>
  close(): Promise<void>
}

let asked = 0

/** Opens a stream with the client's token as a header, unless told otherwise. */
export async function openStream(
  server: Pick<TestServer, 'url'>,
  client: Pick<Client, 'token'> | undefined,
  { since, query, headers, protocols, holds }: StreamOptions = {},
): Promise<BareStream> {
  const url = new URL(server.url.replace('http', 'ws') + STREAM_PATH)
  for (const [name, value] of Object.entries({ ...query, ...(since !== undefined && { since }) }))
    url.searchParams.set(name, value)
  const init = {
    protocols: protocols ?? [],
    headers: { ...(client !== undefined && { authorization: `Bearer ${client.token}` }), ...headers },
  }
  const socket = new WebSocket(url, init as unknown as string[])
  const messages: Body[] = []
  const bodies: Body[] = []
  let end: { code: number; reason: string } | undefined
  const stream: BareStream = {
    socket,
    messages,
    bodies,
    position: () => bodies.at(-1)?.next_batch,
    say: (message) => socket.send(typeof message === 'string' ? message : JSON.stringify(message)),
    async next(fits, what = 'a message') {
      const look = () =>
        expect(messages.find(fits), `${what}: ${JSON.stringify(messages)} ${JSON.stringify(end)}`)
      await expect.poll(() => messages.some(fits) || end !== undefined, PATIENCE).toBe(true)
      look().toBeDefined()
      return messages.find(fits)
    },
    async ask(message) {
      asked += 1
      const id = `q${asked}`
      stream.say({ ...message, id })
      return stream.next((answer) => answer.id === id, JSON.stringify(message))
    },
    async closed() {
      await expect.poll(() => end, PATIENCE).toBeDefined()
      return end!
    },
    async close() {
      socket.close()
      await stream.closed()
    },
  }
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data))
    messages.push(message)
    if (message.type !== 'sync') return
    bodies.push(message.body)
    if (holds === undefined || !JSON.stringify(message.body).includes(holds))
      stream.say({ type: 'ack', position: message.body.next_batch })
  })
  socket.addEventListener('close', ({ code, reason }) => {
    end = { code, reason }
  })
  socket.addEventListener('error', () => undefined)
  await expect.poll(() => socket.readyState === WebSocket.OPEN || end !== undefined, PATIENCE).toBe(true)
  return stream
}

/** Whether an increment tells of a message with this text. */
export const tellsOf = (text: string) => (message: Body) => JSON.stringify(message.body ?? '').includes(text)
