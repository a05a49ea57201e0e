/** Clients that begin a request and do not end it. */
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { serving } from '../../../support/serving.ts'

const logged: string[] = []

const { server, http, alice } = serving(['alice'], {
  'body-timeout-ms': '300',
  'log-level': 'info',
  writeLog: (line) => logged.push(line),
})

interface Raw {
  socket: Socket
  /** All that was received, once the server has closed the connection. */
  closed: Promise<string>
}

function open(text: string): Raw {
  const socket = connect(server.instance.port, '127.0.0.1')
  const closed = new Promise<string>((resolve, reject) => {
    let received = ''
    socket.on('data', (bytes) => {
      received += bytes.toString()
    })
    socket.once('close', () => resolve(received))
    socket.once('error', reject)
  })
  socket.write(text)
  return { socket, closed }
}

let requests = 0
/** The newest request's, by which the log names it. */
const requestId = () => `slow-${requests}`

function head(method: string, path: string, more: string[]): string {
  requests += 1
  return [
    `${method} ${path.startsWith('/_') ? path : `/_matrix/client/v3${path}`} HTTP/1.1`,
    'Host: localhost',
    `Authorization: Bearer ${alice.token}`,
    `X-Request-Id: ${requestId()}`,
    ...more,
    '',
    '',
  ].join('\r\n')
}

const half: [string, () => string][] = [
  ['a JSON body', () => `${head('POST', '/createRoom', ['Content-Length: 50'])}{"name":`],
  [
    'a JSON body without a length',
    () => `${head('POST', '/createRoom', ['Transfer-Encoding: chunked'])}8\r\n{"name":\r\n`,
  ],
  [
    'a large JSON body',
    () => `${head('POST', '/createRoom', ['Content-Length: 500000'])}{"name":"${'x'.repeat(70_000)}`,
  ],
  ['a login', () => `${head('POST', '/login', ['Content-Length: 50'])}{"type":`],
  ['a body that nobody reads', () => `${head('POST', '/nowhere', ['Content-Length: 50'])}{"name":`],
  ['an upload', () => `${head('POST', '/_matrix/media/v3/upload', ['Content-Length: 50'])}half`],
  [
    'a large upload',
    () => `${head('POST', '/_matrix/media/v3/upload', ['Content-Length: 5000000'])}${'x'.repeat(70_000)}`,
  ],
  [
    'an upload without a length',
    () => `${head('POST', '/_matrix/media/v3/upload', ['Transfer-Encoding: chunked'])}4\r\nhalf\r\n`,
  ],
]

describe('a client that sends half of', () => {
  it.each(half)('%s is answered, and its connection is closed', async (_, request) => {
    const received = await open(request()).closed
    expect(received).toMatch(/^HTTP\/1\.1 4\d\d /)
  })

  it.each(half)('%s and then leaves is no error', async (_, request) => {
    logged.length = 0
    const { socket, closed } = open(request())
    // Answered after the half has come.
    await http.request('GET', '/_matrix/client/versions')
    socket.destroy()
    await closed
    // The line of this request is written after all earlier lines.
    const said = async () => {
      await http.request('GET', '/_matrix/client/versions')
      return logged.join()
    }
    await expect.poll(said, { timeout: 5_000 }).toContain(`"${requestId()}"`)
    expect(logged.filter((line) => /"level":"(error|warn)"|stack/.test(line))).toEqual([])
  })
})

describe('a body that comes slowly', () => {
  it('is read as long as enough of it comes in time', async () => {
    const body = JSON.stringify({ x: 'y'.repeat(300_000) })
    const path = `/user/${encodeURIComponent(alice.userId)}/account_data/slow`
    const { socket } = open(head('PUT', path, [`Content-Length: ${body.length}`]))
    const answered = new Promise<string>((resolve) => {
      socket.once('data', (bytes) => resolve(bytes.toString()))
    })
    for (let start = 0; start < body.length; start += 70_000) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      socket.write(body.slice(start, start + 70_000))
    }
    expect(await answered).toMatch(/^HTTP\/1\.1 200 /)
    socket.destroy()
  })
})
