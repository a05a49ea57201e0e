/** Checks an address to listen on before anything is started, and picks a free port where none was named. */
import { createServer } from 'node:net'
import { StartError } from '../start-error.ts'

/** The file in which a running server says where it is; it lies in a folder that each start empties. */
export const ADDRESS_FILE = 'server.json'

const reasons: Record<string, (host: string, port: number, option: string) => string> = {
  EADDRINUSE: (host, port, option) => `--${option} ${port} is in use on ${host}`,
  EADDRNOTAVAIL: (host) => `--host ${host} is not an address of this machine`,
  ENOTFOUND: (host) => `--host ${host} is not an address of this machine`,
  EACCES: (_host, port, option) => `--${option} ${port} needs rights that this process has not`,
}

/** The port itself, or a free one for 0. @throws StartError naming the option at fault */
export function claimPort(host: string, port: number, option: 'port' | 'https-port'): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) => {
      const reason = reasons[error.code ?? '']?.(host, port, option)
      reject(new StartError(reason ?? `cannot listen on ${host}:${port}: ${error.message}`))
    })
    probe.listen({ host, port }, () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : port))
    })
  })
}

/** `host:port` as a URL writes it. */
export function authority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
