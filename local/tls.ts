/** Ends TLS in front of the Worker: it is told the peer's address, then bytes pass both ways, WebSockets included. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import {
  createSecureContext,
  createServer,
  getCACertificates,
  setDefaultCACertificates,
  type TLSSocket,
} from 'node:tls'
import { authority } from './options/address.ts'
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

/** The certificates of a PEM file that `--ca` names. @throws StartError */
export function readCertificates(path: string): string[] {
  const found = readPem(path, 'ca').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (found.length === 0)
    throw new StartError(`--ca ${path} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)`)
  for (const certificate of found) {
    try {
      new X509Certificate(certificate)
    } catch (error) {
      throw new StartError(`--ca ${path} holds a damaged certificate: ${messageOf(error)}`)
    }
  }
  return found
}

/** Makes this process trust these certificates beside the usual ones. */
export function trust(certificates: string[]): void {
  setDefaultCACertificates([...getCACertificates('default'), ...certificates])
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

/** A handshake that takes longer is given up, ms. */
const HANDSHAKE_MS = 15_000
/** The end of a head, and of an answer that has no body. */
const ANSWERED = '\r\n\r\n'

/** Where decrypted connections go. */
export interface TlsTarget {
  host: string
  port: number
  /** The secret by which the Worker knows that a connection is ours, and believes the address that we name. */
  secret: string
}

/** Listens on `address` and hands each connection, decrypted, to `target`. */
export function listenTls(
  files: TlsFiles,
  address: { host: string; port: number },
  target: TlsTarget,
): Promise<TlsListener> {
  const open = new Set<{ destroy(): void }>()
  const options = {
    ...files,
    ALPNProtocols: ['http/1.1'],
    noDelay: true,
    handshakeTimeout: HANDSHAKE_MS,
  }
  const server = createServer(options, (outside) => {
    open.add(outside)
    outside.on('close', () => open.delete(outside))
    handOn(outside, target)
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

/** Tells the Worker the peer's address, and then lets bytes pass both ways. */
function handOn(outside: TLSSocket, target: TlsTarget): void {
  const inside = connect({ host: target.host, port: target.port, noDelay: true })
  const end = () => {
    outside.destroy()
    inside.destroy()
  }
  for (const side of [outside, inside]) side.on('error', end).on('close', end)
  inside.write(introduction(outside.remoteAddress ?? '', target))
  let answer = ''
  inside.on('data', function introduced(bytes: Buffer) {
    answer += bytes.toString('latin1')
    if (!answer.includes(ANSWERED)) return
    inside.off('data', introduced)
    if (!answer.startsWith('HTTP/1.1 204 ')) return end()
    outside.on('data', (bytes: Buffer) => {
      if (waitsToContinue(bytes)) outside.write(CONTINUE)
    })
    outside.pipe(inside)
    inside.pipe(outside)
  })
}

const CONTINUE = 'HTTP/1.1 100 Continue\r\n\r\n'
const LONGEST_HEAD = 16 * 1024

/**
 * Whether these bytes are the head of a request whose client sends no body before it is told to, which the runtime does not
 * do. Such a client waits after the head, so that nothing comes with it.
 */
export function waitsToContinue(bytes: Buffer): boolean {
  if (bytes.length > LONGEST_HEAD || bytes.toString('latin1', bytes.length - ANSWERED.length) !== ANSWERED)
    return false
  const head = bytes.toString('latin1')
  return /^[A-Z]+ \S+ HTTP\/1\.1\r\n/.test(head) && /\r\nexpect: *100-continue *\r\n/i.test(head)
}

function introduction(address: string, { host, port, secret }: TlsTarget): string {
  const body = JSON.stringify({ address, secret })
  return [
    'PUT /_selvedge/local/tls-peer HTTP/1.1',
    `Host: ${authority(host, port)}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    '',
    body,
  ].join('\r\n')
}
