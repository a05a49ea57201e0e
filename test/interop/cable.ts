/** The wire to a server, which a test may cut: a port that passes bytes on to the port where the server listens. */

import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'

export interface Cable {
  /** The port that the server's name has. */
  readonly port: number
  /** Where bytes go from now on. */
  lead(to: number): void
  /** Ends what is under way, and takes no more. */
  cut(): void
  mend(): void
  close(): void
}

export async function cable(): Promise<Cable> {
  const open = new Set<Socket>()
  let target = 0
  let isCut = false
  const server: Server = createServer((near) => {
    if (isCut) {
      near.destroy()
      return
    }
    const far = connect(target, '127.0.0.1')
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        open.delete(from)
        to.destroy()
      })
      from.pipe(to)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    lead: (to) => {
      target = to
    },
    cut() {
      isCut = true
      for (const socket of open) socket.destroy()
    },
    mend: () => {
      isCut = false
    },
    close() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}
