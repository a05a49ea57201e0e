/** The certificate of the stack's nginx: the operator's, or one by an authority of the stack's own. */
import { X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { readTlsFiles } from '../tls.ts'
import { runProgram } from './programs.ts'
import type { Stack } from './service.ts'

export interface Files {
  cert: string
  key: string
  /** The authority's own certificate, where it is the stack's. */
  ca?: string
}

/** Long enough that nobody looks at it again, and short enough for every client. */
const CA_DAYS = '3650'
const DAYS = '397'
/** A certificate with less time is made anew at the next start. */
const LEAST_LEFT_MS = 30 * 24 * 3_600_000

export function certificateOf({ folder, state }: Stack): Files {
  if (state.tls !== undefined) return state.tls
  const at = (name: string) => join(folder, 'tls', name)
  return { cert: at('server.pem'), key: at('server.key'), ca: at('ca.pem') }
}

/** Makes an authority once, and a certificate of it for `host` and this machine, unless the operator gave one. */
export async function makeCertificate(stack: Stack, openssl: string, host: string): Promise<void> {
  const { cert, key, ca } = certificateOf(stack)
  if (ca === undefined) {
    readTlsFiles(cert, key)
    return
  }
  const folder = join(stack.folder, 'tls')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const at = (name: string) => join(folder, name)
  const run = (...args: string[]) => runProgram(openssl, args)
  writeFileSync(at('openssl.cnf'), configFor(host))
  const newKey = [
    '-config',
    at('openssl.cnf'),
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
  ]
  if (!existsSync(ca)) {
    const subject = ['-subj', '/CN=Selvedge stack authority']
    await run(
      'req',
      '-x509',
      ...newKey,
      '-extensions',
      'ca',
      '-days',
      CA_DAYS,
      ...subject,
      '-keyout',
      at('ca.key'),
      '-out',
      ca,
    )
  }
  if (isGood(cert, host)) return
  await run('req', ...newKey, '-subj', '/CN=Selvedge stack', '-keyout', key, '-out', at('server.csr'))
  const by = ['-CA', ca, '-CAkey', at('ca.key'), '-CAcreateserial']
  const extensions = ['-extfile', at('openssl.cnf'), '-extensions', 'server']
  await run(
    'x509',
    '-req',
    '-in',
    at('server.csr'),
    ...by,
    '-days',
    DAYS,
    '-sha256',
    ...extensions,
    '-out',
    cert,
  )
}

/** Of our own, so that no setting of the machine changes what a certificate says. */
const configFor = (host: string) => `\
[req]
distinguished_name = name
[name]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = ${[...new Set([nameOf(host), 'DNS:localhost', 'IP:127.0.0.1'])].join(', ')}
`

const nameOf = (host: string) => (isIP(host) === 0 ? `DNS:${host}` : `IP:${host}`)

function isGood(file: string, host: string): boolean {
  if (!existsSync(file)) return false
  const certificate = new X509Certificate(readFileSync(file))
  const isNamed = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host)
  return isNamed !== undefined && Date.parse(certificate.validTo) - Date.now() > LEAST_LEFT_MS
}
