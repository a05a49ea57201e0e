/** The measured servers: Selvedge by its launcher, and Synapse, each with TLS and a name of its own on loopback. */
import { rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { startSynapse } from '../../test/interop/synapse.ts'
import type { Certificate } from '../../test/support/deployment/certificates.ts'
import { startChild, temporaryFolder } from '../child.ts'
import { HttpClient } from '../http.ts'
import { treeProcessorMs } from '../process-tree.ts'

export interface Measured {
  title: 'Selvedge' | 'Synapse'
  /** Its server name, which is its address for other servers. */
  name: string
  http: HttpClient
  /** What its processes have taken so far, ms. */
  processorMs(): number
  stop(): Promise<void>
}

const ROOT = join(import.meta.dirname, '../..')
const START_LIMIT_MS = 60_000

export async function startMeasuredSelvedge(certificate: Certificate): Promise<Measured> {
  const folder = temporaryFolder('federation')
  const port = await freePort()
  const name = `localhost:${port}`
  const options = {
    'server-name': name,
    port: '0',
    'https-port': String(port),
    'tls-cert': certificate.cert,
    'tls-key': certificate.key,
    ca: certificate.cert,
    'data-dir': folder,
    federation: 'on',
    'key-notaries': 'none',
    'allow-private-networks': 'on',
    registration: 'open',
    'rate-limits': 'off',
    'password-cost': 'low',
    'log-level': 'error',
  }
  const child = await startChild({
    command: process.execPath,
    args: [
      join(ROOT, 'local/start.mjs'),
      ...Object.entries(options).flatMap(([option, value]) => [`--${option}`, value]),
    ],
    cwd: ROOT,
    ready: /Selvedge is ready: (http:\/\/[^\s,]+)[\s,]/,
    timeoutMs: START_LIMIT_MS,
  })
  const http = new HttpClient(child.ready)
  return {
    title: 'Selvedge',
    name,
    http,
    processorMs: () => treeProcessorMs([child.pid]) ?? 0,
    async stop() {
      http.close()
      await child.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export async function startMeasuredSynapse(certificate: Certificate): Promise<Measured> {
  const ports = { clients: await freePort(), federation: await freePort() }
  const name = `localhost:${ports.federation}`
  const server = await startSynapse(name, certificate, ports)
  const http = new HttpClient(server.url)
  return {
    title: 'Synapse',
    name,
    http,
    processorMs: () => treeProcessorMs([server.pid]) ?? 0,
    async stop() {
      http.close()
      await server.stop()
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
