/** Certificates for servers on loopback, made by openssl. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Certificate {
  key: string
  cert: string
}

const DAY_MS = 24 * 60 * 60 * 1000

/** What `openssl ca` wants; `req` alone cannot make a certificate that has ended. */
const CONFIGURATION = `[ca]
default_ca = one
[one]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = names
x509_extensions = hosts
[names]
commonName = supplied
[hosts]
subjectAltName = DNS:localhost,IP:127.0.0.1
`

/** A certificate that signs itself, for localhost and 127.0.0.1. @param days negative: it has ended already */
export function makeCertificate(folder: string, days: number): Certificate {
  const own = mkdtempSync(join(folder, 'certificate-'))
  const files = { key: join(own, 'key.pem'), cert: join(own, 'cert.pem') }
  for (const [name, text] of Object.entries({ configuration: CONFIGURATION, index: '', serial: '01' })) {
    writeFileSync(join(own, name), text)
  }
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: own, stdio: 'pipe' })
  openssl(
    'req',
    '-new',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-subj',
    '/CN=localhost',
    '-keyout',
    'key.pem',
    '-out',
    'request',
  )
  const times = ['-startdate', timeOf(Math.min(0, days) - 1), '-enddate', timeOf(days)]
  const signing = [
    '-config',
    'configuration',
    '-keyfile',
    'key.pem',
    '-in',
    'request',
    '-out',
    'cert.pem',
    '-notext',
  ]
  openssl('ca', '-batch', '-selfsign', ...signing, ...times)
  return files
}

/** So many days from now, as openssl writes it. */
function timeOf(days: number): string {
  const digits = new Date(Date.now() + days * DAY_MS).toISOString().replace(/\D/g, '')
  return `${digits.slice(0, 14)}Z`
}
