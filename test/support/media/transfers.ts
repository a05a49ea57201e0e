/** Uploads and downloads, each byte of which is looked at. */
import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import { watchAnswer } from '../../contract/watch.ts'
import type { Client } from '../client.ts'
import type { TestServer } from '../server.ts'

/** HTTP's own answers to ranges and to what is known already: the documents do not list them. */
const OF_HTTP = [206, 304, 416]

/** As `fetch`, but what the specification says of the answer is held against it. */
export async function watched(input: string | URL, init: RequestInit = {}): Promise<Response> {
  const answer = await fetch(input, init)
  if (OF_HTTP.includes(answer.status)) return answer
  const contentType = answer.headers.get('content-type') ?? ''
  const body = contentType.startsWith('application/json') ? await answer.clone().json() : undefined
  watchAnswer({ method: init.method ?? 'GET', url: String(input), status: answer.status, contentType, body })
  return answer
}

interface Sent {
  type?: string
  name?: string
  client?: Client
  method?: string
  path?: string
}

/** Alice uploads, and Bob downloads, unless others are named. */
export function transfersOf(server: Pick<TestServer, 'url'>, alice: Client, bob: Client) {
  /** Sends bytes, or a stream of unknown length. */
  function send(
    body: BodyInit | null,
    { type, name, client = alice, method = 'POST', path = 'upload' }: Sent = {},
  ) {
    const url = new URL(`/_matrix/media/v3/${path}`, server.url)
    if (name !== undefined) url.searchParams.set('filename', name)
    const headers: Record<string, string> = { authorization: `Bearer ${client.token}` }
    if (type !== undefined) headers['content-type'] = type
    return watched(url, { method, headers, body, duplex: 'half' } as RequestInit)
  }

  async function uploaded(body: BodyInit | null, sent: Sent = {}): Promise<string> {
    const answer = await send(body, sent)
    expect(answer.status).toBe(200)
    const { content_uri: uri } = (await answer.json()) as { content_uri: string }
    expect(uri).toMatch(/^mxc:\/\/test\.example\/[A-Za-z0-9]{24}$/)
    return uri.slice('mxc://'.length)
  }

  function get(place: string, headers: Record<string, string> = {}, token: string | null = bob.token) {
    const auth: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
    return watched(`${server.url}/_matrix/client/v1/media/download/${place}`, {
      headers: { ...auth, ...headers },
    })
  }

  return { send, uploaded, get }
}

export const errorOf = async (answer: Response) => [
  answer.status,
  ((await answer.json()) as { errcode: string }).errcode,
]
export const bytesOf = async (answer: Response) => Buffer.from(await answer.arrayBuffer())
export const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** A body that does not say how long it is. */
export function streamOf(bytes: Uint8Array, chunk = 100_003): ReadableStream<Uint8Array> {
  let sent = 0
  return new ReadableStream({
    pull(controller) {
      if (sent >= bytes.byteLength) return controller.close()
      controller.enqueue(bytes.subarray(sent, sent + chunk))
      sent += chunk
    },
  })
}
