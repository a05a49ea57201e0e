/** Many hosts on one port of this machine: what is asked of any name comes to one handler, over TLS. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Agent, buildConnector, fetch as undiciFetch } from 'undici'
import { afterAll, beforeAll } from 'vitest'
import { remoteCertificate } from './remote.ts'

export interface Page {
  status?: number
  body?: string
  headers?: Record<string, string>
}

/** What each URL says, and which were asked for, in order. */
export interface Web {
  pages: Map<string, Page>
  asked: string[]
  send: typeof fetch
}

export function web(): Web {
  const pages = new Map<string, Page>()
  const asked: string[] = []
  const tls = { key: readFileSync(remoteCertificate.key), cert: readFileSync(remoteCertificate.cert) }
  const server = createServer(tls, (request, response) => {
    const url = `https://${request.headers.host}${request.url}`
    asked.push(url)
    const page = pages.get(url)
    if (page === undefined) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(page.status ?? 200, page.headers ?? {})
    response.end(page.body ?? '')
  })
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)))
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  const connect = buildConnector({ rejectUnauthorized: false })
  const agent = new Agent({
    connect: (options, callback) => {
      if (options.hostname === 'gone.example') {
        callback(new Error('refused'), null)
        return
      }
      const { port } = server.address() as AddressInfo
      connect({ ...options, hostname: '127.0.0.1', host: `127.0.0.1:${port}`, port: String(port) }, callback)
    },
  })
  const send = ((input: string, init?: object) =>
    undiciFetch(input, { ...init, dispatcher: agent })) as unknown as typeof fetch
  return { pages, asked, send }
}
