/** Ends TLS in front of the Worker: bytes pass both ways, WebSockets included. */
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { createSecureContext, createServer } from 'node:tls'
import { messageOf, StartError } from './start-error.ts'

export interface TlsFiles {
  cert: string
  key: string
}

export interface TlsListener {
  port: number
  close(): Promise<void>
}

/** Reads a PEM file that an option names. @throws StartError naming the option */
export function readPem(path: string, option: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new StartError(`--${option} cannot be read: ${messageOf(error)}`)
  }
}

/** Checks that certificate and key can be used together. @throws StartError */
export function readTlsFiles(certFile: string, keyFile: string): TlsFiles {
  const files = { cert: readPem(certFile, 'tls-cert'), key: readPem(keyFile, 'tls-key') }
  try {
    createSecureContext(files)
  } catch (error) {
    throw new StartError(
      `--tls-cert ${certFile} and --tls-key ${keyFile} cannot be used: ${messageOf(error)}`,
    )
  }
  return files
}

/** Listens on `port` and hands each connection, decrypted, to `target`. */
export function listenTls(
  files: TlsFiles,
  address: { host: string; port: number },
  target: { host: string; port: number },
): Promise<TlsListener> {
  const open = new Set<{ destroy(): void }>()
  const server = createServer({ ...files, ALPNProtocols: ['http/1.1'], noDelay: true }, (outside) => {
    const inside = connect({ ...target, noDelay: true })
    open.add(outside)
    const end = () => {
      open.delete(outside)
      outside.destroy()
      inside.destroy()
    }
    for (const side of [outside, inside]) side.on('error', end).on('close', end)
    outside.pipe(inside)
    inside.pipe(outside)
  })
  // Port scanners and aborted handshakes are not worth a line.
  server.on('tlsClientError', () => {})
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(new StartError(`--https-port ${address.port}: ${error.message}`)))
    server.listen(address, () => {
      resolve({
        port: (server.address() as AddressInfo).port,
        close: () =>
          new Promise((closed) => {
            server.close(() => closed())
            for (const socket of open) socket.destroy()
          }),
      })
    })
  })
}
