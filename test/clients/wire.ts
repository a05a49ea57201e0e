/** A wire between a client and a server, which a test can cut and mend. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export class Wire {
  private server: Server | undefined
  private readonly sockets = new Set<Socket>()
  private readonly target: URL
  private port = 0

  constructor(url: string) {
    this.target = new URL(url)
  }

  /** Where the client finds the server. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Lays the wire, or mends it, at the same port as before. */
  async lay(): Promise<void> {
    this.server = createServer((near) => {
      const far = connect(Number(this.target.port), this.target.hostname)
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.sockets.add(from)
        from.pipe(to)
        from.on('error', () => to.destroy())
        from.on('close', () => {
          to.destroy()
          this.sockets.delete(from)
        })
      }
    })
    this.server.listen(this.port, '127.0.0.1')
    await once(this.server, 'listening')
    this.port = (this.server.address() as AddressInfo).port
  }

  /** Cuts the wire: what is under way breaks off, and nobody answers. */
  async cut(): Promise<void> {
    const closed = once(this.server!, 'close')
    this.server!.close()
    for (const socket of this.sockets) socket.destroy()
    await closed
  }
}
