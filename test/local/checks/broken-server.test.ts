/** `npm run check:production` on deployments that are broken: what is wrong is named, in the terminal and on the page. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { browserPath, launchBrowser } from '../../clients/browser.ts'
import { makeCertificate } from '../../support/deployment/certificates.ts'
import { check, metricsToken } from '../../support/deployment/check.ts'
import { serving } from '../../support/serving.ts'

const { server } = serving([], {
  'metrics-token': metricsToken,
  'rate-limits': 'on',
  'server-name': 'talk.example',
})

const folder = mkdtempSync(join(tmpdir(), 'selvedge-broken-'))
const closers: (() => unknown)[] = []
afterEach(async () => {
  server.redis.start()
  for (const close of closers.splice(0)) await close()
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type Fault = (answer: IncomingMessage, body: Buffer, path: string) => Buffer

/** A proxy in front of the server that spoils its answers. */
function spoiled(fault: Fault): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  return (incoming, outgoing) => {
    const onward = request(
      new URL(incoming.url!, server.url),
      { method: incoming.method, headers: { ...incoming.headers, host: new URL(server.url).host } },
      (answer) => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('end', () => {
          const body = fault(answer, Buffer.concat(parts), incoming.url!)
          const { 'transfer-encoding': _, 'content-length': __, ...headers } = answer.headers
          outgoing.writeHead(answer.statusCode!, headers).end(body)
        })
      },
    )
    incoming.pipe(onward)
  }
}

async function listening(of: Server | TlsServer): Promise<number> {
  await new Promise<void>((resolve) => of.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    of.close()
    of.closeAllConnections()
  })
  return (of.address() as AddressInfo).port
}

/** Tells clients where the proxy is, as a deployment behind one does; the faults come after it. */
const behind = async (fault: Fault = (_, body) => body): Promise<string> => {
  let url = ''
  const renamed: Fault = (answer, body, path) => {
    const [own, other] = [new URL(server.url).host, new URL(url).host]
    return fault(
      answer,
      Buffer.from(path.startsWith('/.well-known/') ? body.toString().replaceAll(own, other) : body),
      path,
    )
  }
  url = `http://127.0.0.1:${await listening(createServer(spoiled(renamed)))}`
  return url
}

describe('a server that is not well', () => {
  it('is told by Redis, which is away', async () => {
    server.redis.stop()
    const { code, failed } = await check(server.url, ['--services'])
    expect(code).toBe(1)
    expect(failed).toContain(
      'Postgres, Redis and the object storage answer the server: the server does not reach redis',
    )
  })

  it.each([
    ['it is to have', '', 1],
    ['another version may lack', '0.0.1', 0],
  ])('is told by an endpoint that %s', async (_, version, failures) => {
    const url = await behind((answer, body, path) => {
      if (path === '/health' && version !== '') return Buffer.from(JSON.stringify({ status: 'ok', version }))
      if (path !== '/_selvedge/status/services') return body
      answer.statusCode = 404
      return Buffer.from('{"errcode":"M_UNRECOGNIZED","error":"Unrecognized request"}')
    })
    const { failed } = await check(url, ['--services'])
    const ours = failed.filter((line) => line.startsWith('1,000 operations of Redis'))
    expect(ours).toEqual(
      Array(failures).fill(
        expect.stringContaining('the times of the services was answered 404 M_UNRECOGNIZED'),
      ),
    )
  })

  it('is told by a proxy that takes the headers for browsers away', async () => {
    const url = await behind((answer, body) => {
      for (const name of Object.keys(answer.headers)) {
        if (name.startsWith('access-control-')) delete answer.headers[name]
      }
      return body
    })
    const { code, failed } = await check(url, [])
    expect(code).toBe(1)
    expect(failed).toEqual([
      'clients that know the name find the address: it has no Access-Control-Allow-Origin: *',
      'a page of another origin may ask, with a token: Access-Control-Allow-Origin is not *',
      expect.stringContaining('a page of another origin may read answers: '),
      expect.stringContaining('a page of another origin may read refusals: '),
      expect.stringContaining('a page of another origin may read unknown paths: '),
    ])
  })

  it('is told by a well-known file that leads elsewhere', async () => {
    const url = await behind((_, body, path) =>
      path.startsWith('/.well-known/')
        ? Buffer.from(body.toString().replaceAll('127.0.0.1', 'old.talk.example'))
        : body,
    )
    const { code, failed } = await check(url, ['--quick'])
    expect(code).toBe(1)
    expect(failed).toEqual([
      expect.stringMatching(
        /^clients that know the name .*: it leads to http:\/\/old\.talk\.example:\d+, and the server was asked at/,
      ),
      expect.stringMatching(
        /^other servers that know the name .*: it leads to old\.talk\.example:\d+, expected 127\.0\.0\.1:\d+$/,
      ),
    ])
  })

  it('is told by answers of the wrong type', async () => {
    const url = await behind((answer, body) => {
      if (answer.headers['content-type']?.startsWith('application/json'))
        answer.headers['content-type'] = 'text/html'
      return body
    })
    const { code, failed } = await check(url, [])
    expect(code).toBe(1)
    expect(failed).toContainEqual(
      '/_matrix/client/versions answers in its form: /_matrix/client/versions was answered as text/html, expected application/json',
    )
  })

  it('is told by a page in place of refusals', async () => {
    const url = await behind((answer, body) => {
      if (answer.statusCode! < 400) return body
      answer.headers['content-type'] = 'text/html'
      return Buffer.from('<h1>Not found</h1>')
    })
    const { failed } = await check(url, [])
    expect(failed).toContain(
      'an unknown path is refused as such: it was answered 404, text/html, expected 404 M_UNRECOGNIZED',
    )
  })

  it.each([
    ['has ended', -3, /^the certificate is trusted, and lasts: the certificate ended on \d{4}-\d\d-\d\d$/],
    ['ends soon', 5, /^the certificate is trusted, and lasts: the certificate ends in [45] days$/],
  ])('is told by a certificate that %s', async (_, days, sentence) => {
    const { key, cert } = makeCertificate(folder, days)
    const files = { key: readFileSync(key), cert: readFileSync(cert) }
    const port = await listening(
      createTlsServer(
        files,
        spoiled((_, body) => body),
      ),
    )
    const { code, failed } = await check(`https://localhost:${port}`, ['--ca', cert])
    expect(code).toBe(1)
    expect(failed).toContainEqual(expect.stringMatching(sentence))
  })

  it('is told by a certificate that nobody has signed', async () => {
    const { key, cert } = makeCertificate(folder, 90)
    const files = { key: readFileSync(key), cert: readFileSync(cert) }
    const port = await listening(
      createTlsServer(
        files,
        spoiled((_, body) => body),
      ),
    )
    const { failed } = await check(`https://localhost:${port}`, [])
    expect(failed).toContainEqual(
      'the certificate is trusted, and lasts: the certificate is not trusted: DEPTH_ZERO_SELF_SIGNED_CERT',
    )
  })

  it('fails a watch in which one round has failed', async () => {
    let rounds = 0
    const url = await behind((answer, body, path) => {
      if (path === '/health') rounds += 1
      if (path === '/health' && rounds === 2) answer.statusCode = 500
      return body
    })
    const { code, failed } = await check(url, ['--monitor', '--every', '1', '--for', '3'])
    expect(code).toBe(1)
    expect(failed).toContainEqual(
      expect.stringMatching(/^the server is alive .*: 1 of \d rounds failed, the last with: /),
    )
  })
})

describe('the page of a report', () => {
  it('is whole by itself', async () => {
    const { html } = await check(server.url, [])
    expect(html).not.toMatch(/<script|src=|href=|url\(/)
  })

  it.skipIf(!browserPath)('shows figures and plots in a browser', async () => {
    const { html } = await check(server.url, [])
    const browser = await launchBrowser()
    closers.push(() => browser.close())
    const page = await browser.newPage()
    await page.setContent(html)
    expect(await page.locator('.tile').count()).toBe(4)
    expect(await page.locator('svg.line circle').count()).toBe(20)
    expect(await page.locator('tr.failed').count()).toBe(0)
    expect(await page.locator('tr.passed').count()).toBeGreaterThan(15)
  })

  it('shows what a server says as text alone', async () => {
    const url = await behind((answer, body, path) => {
      if (path !== '/.well-known/matrix/server') return body
      answer.headers['content-type'] = 'application/json'
      return Buffer.from('{"m.server":"<script>alert(1)</script>"}')
    })
    const { html } = await check(url, [])
    expect(html).toContain('&#60;script&#62;alert(1)')
    expect(html).not.toContain('<script>')
  })
})
