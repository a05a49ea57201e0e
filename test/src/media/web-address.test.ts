/** Which addresses previews may look at: none inside a network, however it is written. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { webAddress } from '../../../src/media/web-address.ts'
import { open, webClient } from '../../../src/media/web-reader.ts'

const judged = (text: string, privateAllowed = false) => {
  const url = webAddress(text, { privateAllowed })
  return url instanceof URL ? url.href : url
}

it.each([
  'http://127.0.0.1/',
  'http://127.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0177.0.0.1/',
  'http://１２７.0.0.1/',
  'http://127.0.0.1./',
  'http://0/',
  'http://10.1.2.3/',
  'http://100.64.0.1/',
  'http://100.127.255.255/',
  'http://169.254.169.254/latest/meta-data/',
  'http://172.16.0.1/',
  'http://172.31.255.255/',
  'http://192.168.0.1/',
  'http://198.18.0.1/',
  'http://224.0.0.1/',
  'http://255.255.255.255/',
  'http://[::1]/',
  'http://[::]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:8.8.8.8]/',
  'http://[::127.0.0.1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[2002:7f00:1::]/',
  'http://[2001::1]/',
  'http://[2001:db8::1]/',
  'http://[fc00::1]/',
  'http://[fd12:3456::1]/',
  'http://[fe80::1]/',
  'http://[fec0::1]/',
  'http://[ff02::1]/',
  'http://localhost/',
  'http://LOCALHOST./',
  'http://a.localhost/',
  'http://printer.local/',
  'http://metadata.google.internal/',
  'http://router/',
  'http://nas.home.arpa/',
])('%s is of no public host', (text) => {
  expect(judged(text)).toBe('forbidden')
  expect(judged(text, true)).not.toBe('forbidden')
})

it.each([
  'ftp://example.org/',
  'file:///etc/passwd',
  'data:text/html,x',
  'javascript:alert(1)',
  'http://user@example.org/',
  'http://user:password@example.org/',
  'http://:password@example.org/',
  'https://',
  'example.org',
  '',
  `https://example.org/${'x'.repeat(5_000)}`,
])('%s is no address of the web', (text) => {
  expect(judged(text)).toBe('invalid')
})

it.each([
  ['https://example.org', 'https://example.org/'],
  ['http://example.org:8080/a?b#c', 'http://example.org:8080/a?b'],
  ['http://8.8.8.8/', 'http://8.8.8.8/'],
  ['http://172.32.0.1/', 'http://172.32.0.1/'],
  ['http://100.128.0.1/', 'http://100.128.0.1/'],
  ['http://[2606:4700::1111]/', 'http://[2606:4700::1111]/'],
  ['http://localhost.example.org/', 'http://localhost.example.org/'],
  ['https://bücher.example/', 'https://xn--bcher-kva.example/'],
])('%s is of a public host', (text, href) => {
  expect(judged(text)).toBe(href)
})

let site: Server
let asked: string[]
beforeAll(async () => {
  asked = []
  site = createServer((request, response) => {
    asked.push(request.url!)
    const { port } = site.address() as AddressInfo
    const location = request.url === '/inside' ? `http://127.0.0.1:${port}/secret` : 'file:///etc/passwd'
    response.writeHead(302, { location }).end()
  })
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
})
afterAll(() => void site.close())

it.each([
  ['/inside', 'M_FORBIDDEN'],
  ['/file', 'M_UNKNOWN'],
])('a redirect is checked as the first address is: %s', async (path, errcode) => {
  const { port } = site.address() as AddressInfo
  const look = {
    web: webClient(fetch, 'https://test.example'),
    privateAllowed: false,
    signal: new AbortController().signal,
  }
  await expect(open(look, new URL(`http://127.0.0.1:${port}${path}`), '*/*')).rejects.toMatchObject({
    errcode,
  })
  expect(asked).not.toContain('/secret')
})
