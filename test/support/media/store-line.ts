/** The way to a store, which a test can cut or let fall silent. */
import { connect, createServer, type Server, type Socket } from 'node:net'

export interface StoreLine {
  url: string
  /** Ends every connection, and takes no more. */
  cut(): void
  /** Takes what comes, and says nothing any more. */
  silence(): void
  /** As before. */
  mend(): void
  close(): Promise<void>
}

/** A line to the server at `target`. */
export async function lineTo(target: string): Promise<StoreLine> {
  const { hostname, port } = new URL(target)
  const open = new Set<Socket>()
  let state: 'whole' | 'cut' | 'silent' = 'whole'
  const server: Server = createServer((client) => {
    if (state === 'cut') return client.destroy()
    const store = connect(Number(port), hostname)
    for (const socket of [client, store]) {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        open.delete(socket)
        client.destroy()
        store.destroy()
      })
    }
    client.on('data', (data) => {
      if (state === 'whole') store.write(data)
    })
    store.on('data', (data) => {
      if (state === 'whole') client.write(data)
    })
    return undefined
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address() as { port: number }
  const endAll = () => {
    for (const socket of open) socket.destroy()
  }
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut() {
      state = 'cut'
      endAll()
    },
    silence() {
      state = 'silent'
    },
    mend() {
      state = 'whole'
      endAll()
    },
    async close() {
      endAll()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
