/** Whose requests count together: by the peer, or by what a trusted proxy says. */
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, api, testPassword } from '../../support/client.ts'
import { startServer, type TestServer } from '../../support/server.ts'

let direct: TestServer
let proxied: TestServer

beforeAll(async () => {
  direct = await startServer()
  proxied = await startServer({ 'client-address-header': 'x-forwarded-for' })
})
afterAll(async () => {
  await direct?.stop()
  await proxied?.stop()
})

let accounts = 0
/** The address that the server keeps of a login with these headers. */
async function seen(http: Api, headers: Record<string, string> = {}): Promise<string | null> {
  accounts += 1
  const body = { username: `a${accounts}`, password: testPassword, auth: { type: 'm.login.dummy' } }
  const { body: session } = await http.request('POST', '/register', body, { headers })
  const { body: list } = await http.request('GET', '/devices', undefined, { token: session.access_token })
  return list.devices[0].last_seen_ip
}

describe('the address of a client', () => {
  it('is the peer if no proxy is named', async () => {
    expect(await seen(api(direct))).toBe('127.0.0.1')
  })

  it.each(['cf-connecting-ip', 'x-forwarded-for', 'x-real-ip', 'mf-cf-blob', 'forwarded', 'undefined'])(
    'is no word of the client in %s where no proxy is named',
    async (name) => {
      const value = name === 'mf-cf-blob' ? '{"clientIp":"198.51.100.9:1"}' : '198.51.100.9'
      expect(await seen(api(direct), { [name]: value })).toBe('127.0.0.1')
    },
  )

  it('is the last of several that a proxy names', async () => {
    expect(await seen(api(proxied), { 'x-forwarded-for': '198.51.100.9, 192.0.2.4' })).toBe('192.0.2.4')
  })

  it('is unknown, and not the peer, if the named header is missing or is no address', async () => {
    expect(await seen(api(proxied))).toBeNull()
    expect(await seen(api(proxied), { 'x-forwarded-for': 'unknown' })).toBeNull()
  })

  it('is without its port, and IPv4 counts the same in the form of IPv6', async () => {
    expect(await seen(api(proxied), { 'x-forwarded-for': '192.0.2.4:4711' })).toBe('192.0.2.4')
    expect(await seen(api(proxied), { 'x-forwarded-for': '::ffff:192.0.2.4' })).toBe('192.0.2.4')
  })

  it('cannot be named without the secret of the TLS listener', async () => {
    const body = { address: '198.51.100.9', secret: '' }
    const { status } = await api(direct).request('PUT', '/_selvedge/local/tls-peer', body)
    expect(status).toBe(404)
  })
})

it('a CONNECT reaches nothing behind the listener', async () => {
  const host = 'miniflare-unsafe-internal-capnp-connect'
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(direct.instance.port, '127.0.0.1')
    socket.once('data', (bytes) => {
      resolve(bytes.toString())
      socket.destroy()
    })
    socket.once('error', reject)
    socket.write(`CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  })
  expect(answer).toMatch(/^HTTP\/1\.1 [45]/)
})
