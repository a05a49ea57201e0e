/** The way to the server: its certificate, and what its name says of where it is. */
import { connect, type DetailedPeerCertificate } from 'node:tls'
import type { Check } from '../check.ts'
import { must } from '../http.ts'
import { expect, Failed, Skipped } from '../outcome.ts'

const DAY_MS = 24 * 60 * 60 * 1000
/** Certificates renew themselves weeks before their end: one that has not will end. */
const LEAST_DAYS = 10
const HANDSHAKE_MS = 10_000

interface Handshake {
  certificate: DetailedPeerCertificate
  protocol: string
  /** Why it would not be trusted. */
  refusal?: string
}

function handshake(host: string, port: number): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, servername: host, rejectUnauthorized: false }, () => {
      const certificate = socket.getPeerCertificate(true)
      const refusal = socket.authorized ? undefined : String(socket.authorizationError)
      resolve({ certificate, protocol: socket.getProtocol() ?? 'none', refusal })
      socket.end()
    })
    socket.setTimeout(HANDSHAKE_MS, () => socket.destroy(new Error('no handshake in time')))
    socket.once('error', (error) => reject(new Failed(`no TLS at ${host}:${port}: ${error.message}`)))
  })
}

/** The address of a file below the server's own name, which may be another host than the API's. */
function wellKnownBase({ url, serverName = '' }: { url: string; serverName?: string }): string {
  const { protocol, hostname } = new URL(url)
  // A name that no DNS can know is that of a server which nobody looks for by it.
  const [host = ''] = serverName.split(':')
  const isFound = host.includes('.') && !/\.(example|test|invalid|localhost)$/.test(host)
  return isFound && protocol === 'https:' && host !== hostname ? `https://${serverName}` : url
}

export const address: Check[] = [
  {
    group: 'address',
    name: 'the certificate is trusted, and lasts',
    async run({ url }) {
      const { protocol, hostname, port } = new URL(url)
      if (protocol !== 'https:') throw new Skipped('the address begins with http: there is no certificate')
      const { certificate, protocol: version, refusal } = await handshake(hostname, Number(port || 443))
      const ends = new Date(certificate.valid_to)
      const days = Math.floor((ends.getTime() - Date.now()) / DAY_MS)
      expect(days >= 0, `the certificate ended on ${ends.toISOString().slice(0, 10)}`)
      expect(refusal === undefined, `the certificate is not trusted: ${refusal}`)
      expect(days >= LEAST_DAYS, `the certificate ends in ${days} days`)
      expect(/^TLSv1\.[23]$/.test(version), `the connection is ${version}, expected TLS 1.2 or 1.3`)
      return { note: `${version}, ${days} days left` }
    },
  },
  {
    group: 'address',
    name: 'clients that know the name find the address',
    async run(visit, ask) {
      const base = wellKnownBase(visit)
      const answer = await ask('GET', '/.well-known/matrix/client', { base, follow: true })
      const body = must(answer, '/.well-known/matrix/client')
      const { base_url: found } = (body['m.homeserver'] ?? {}) as { base_url?: unknown }
      if (typeof found !== 'string' || !URL.canParse(found))
        throw new Failed('it has no m.homeserver with a base_url')
      expect(
        new URL(found).href === new URL(visit.url).href,
        `it leads to ${found}, and the server was asked at ${visit.url}`,
      )
      expect(
        answer.headers.get('access-control-allow-origin') === '*',
        'it has no Access-Control-Allow-Origin: *',
      )
      return { note: `${base}/.well-known/matrix/client` }
    },
  },
  {
    group: 'address',
    name: 'other servers that know the name find the address',
    async run(visit, ask) {
      const answer = await ask('GET', '/.well-known/matrix/server', {
        base: wellKnownBase(visit),
        follow: true,
      })
      const found = must(answer, '/.well-known/matrix/server')['m.server']
      const { hostname, port, protocol } = new URL(visit.url)
      const wanted = `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`
      expect(found === wanted, `it leads to ${String(found)}, expected ${wanted}`)
    },
  },
]
