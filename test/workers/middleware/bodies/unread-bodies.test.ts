/** Clients that send a large body with a request that is refused unread: each reads why. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { serving } from '../../../support/serving.ts'

const LARGE = 20_000_000
const UPLOAD_LIMIT = 1_000_000

const { server, alice } = serving(['alice'])
const { server: strict, alice: busy } = serving(['alice'], { 'rate-limits': 'on' })
const { server: small, alice: sender } = serving(['alice'], { 'max-upload-bytes': String(UPLOAD_LIMIT) })

interface Sent {
  to?: typeof server
  method?: string
  path?: string
  token?: string
  /** Bytes. */
  size?: number
  chunked?: boolean
}

const opened = ({ instance }: typeof server) => connect(instance.port, '127.0.0.1')

function head({
  method = 'POST',
  path = '/_matrix/media/v3/upload',
  token = 'wrong',
  ...body
}: Sent): string {
  const { size = LARGE, chunked = false } = body
  const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${size}`
  return [
    `${method} ${path} HTTP/1.1`,
    'Host: localhost',
    `Authorization: Bearer ${token}`,
    framing,
    '',
    '',
  ].join('\r\n')
}

/** Looks at no answer before all is sent, as many clients do. Answers its status and errcode, or how the connection broke. */
async function sendThenRead(sent: Sent): Promise<string> {
  const { to = server, size = LARGE, chunked = false } = sent
  const socket = opened(to)
  const broken = once(socket, 'error').then(([error]) => error.message as string)
  socket.write(head(sent))
  const body = Buffer.alloc(size, 'x')
  const framed = chunked ? [`${size.toString(16)}\r\n`, body, '\r\n0\r\n\r\n'] : [body]
  const written = Promise.all(
    framed.map((part) => new Promise<void>((resolve) => socket.write(part, () => resolve()))),
  )
  const failure = await Promise.race([written.then(() => undefined), broken])
  const answer = failure ?? (await Promise.race([answerOn(socket), broken]))
  socket.destroy()
  return answer
}

/** The status and errcode of an answer, as soon as it is whole. */
function answerOn(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let text = ''
    socket.on('data', function more(bytes: Buffer) {
      text += bytes.toString()
      const [head = '', body] = text.split('\r\n\r\n')
      const length = /content-length: (\d+)/i.exec(head)?.[1]
      if (body === undefined || length === undefined || body.length < Number(length)) return
      socket.off('data', more)
      resolve(`${head.split(' ')[1]} ${JSON.parse(body).errcode}`)
    })
  })
}

const room = encodeURIComponent('!invented:test.example')
const message = (token?: string): Sent => ({
  method: 'PUT',
  path: `/_matrix/client/v3/rooms/${room}/send/m.room.message/1`,
  ...(token !== undefined && { token }),
})

describe('a client that sends a large body, and only then reads, is told why', () => {
  it.each<[string, number, string, () => Sent]>([
    ['an upload with a token that is not known', 401, 'M_UNKNOWN_TOKEN', () => ({})],
    ['one without a length', 401, 'M_UNKNOWN_TOKEN', () => ({ chunked: true })],
    ['an event with such a token', 401, 'M_UNKNOWN_TOKEN', () => message()],
    ['an event that is too large', 413, 'M_TOO_LARGE', () => message(alice.token)],
    [
      'one that is too large, and says no length',
      413,
      'M_TOO_LARGE',
      () => ({ ...message(alice.token), chunked: true }),
    ],
    ['a path that is not there', 404, 'M_UNRECOGNIZED', () => ({ path: '/_matrix/client/v3/nowhere' })],
    ['a method that is not there', 405, 'M_UNRECOGNIZED', () => ({ method: 'PUT' })],
    [
      'a media id of another server',
      404,
      'M_NOT_FOUND',
      () => ({ method: 'PUT', path: '/_matrix/media/v3/upload/elsewhere.example/one', token: alice.token }),
    ],
  ])('%s', async (_, status, errcode, sent) => {
    const answer = await sendThenRead(sent())
    expect(answer).toBe(`${status} ${errcode}`)
  })

  it.each([false, true])('an upload that is too large, without a length %s', async (chunked) => {
    const answer = await sendThenRead({ to: small, token: sender.token, size: 1_900_000, chunked })
    expect(answer).toBe('413 M_TOO_LARGE')
  })

  it('one that comes too often', async () => {
    const ask = () => sendThenRead({ to: strict, token: busy.token, path: '/_matrix/media/v1/create' })
    const answers: string[] = []
    while (!answers.some((answer) => !answer.startsWith('200 ')) && answers.length < 20)
      answers.push(await ask())
    expect(answers.at(-1)).toBe('429 M_LIMIT_EXCEEDED')
  })
})

it('fetch reads the answer to each of many refused uploads', async () => {
  const statuses: number[] = []
  for (let tries = 0; tries < 20; tries += 1) {
    const answer = await fetch(`${server.url}/_matrix/media/v3/upload`, {
      method: 'POST',
      body: Buffer.alloc(LARGE),
      headers: { authorization: 'Bearer wrong' },
    })
    expect(await answer.json()).toMatchObject({ errcode: 'M_UNKNOWN_TOKEN' })
    statuses.push(answer.status)
  }
  expect(statuses).toEqual(Array(20).fill(401))
})

it('all of the answer is there before the body has come', async () => {
  const socket = opened(server)
  socket.write(`${head({})}the rest never comes`)
  expect(await answerOn(socket)).toBe('401 M_UNKNOWN_TOKEN')
  socket.destroy()
})

it('a connection goes on with the next request after a body that was thrown away', async () => {
  const socket = opened(server)
  socket.write(head({}))
  socket.write(Buffer.alloc(LARGE))
  expect(await answerOn(socket)).toBe('401 M_UNKNOWN_TOKEN')
  socket.write('GET /_matrix/client/versions HTTP/1.1\r\nHost: localhost\r\n\r\n')
  expect(await answerOn(socket)).toMatch(/^200 /)
  socket.destroy()
})

it('a client that sends on and on is cut off', async () => {
  const socket = opened(small)
  const cut = once(socket, 'error')
  socket.resume().write(head({ size: 10 ** 9 }))
  const more = () => {
    if (!socket.destroyed) socket.write(Buffer.alloc(UPLOAD_LIMIT), more)
  }
  more()
  expect((await cut)[0]).toMatchObject({ code: expect.stringMatching(/ECONNRESET|EPIPE/) })
})
