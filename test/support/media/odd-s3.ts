/** An S3 that keeps objects in memory, checks no signature, and may answer reads of media as no S3 should. */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How it answers: with half of what it should, with more, with another part, as if it knew no ranges, without a length, or breaking off. */
export type Oddity = 'none' | 'half' | 'more' | 'another part' | 'no ranges' | 'no length' | 'broken off'

interface Held {
  body: Buffer
  headers: Record<string, string>
}

export interface OddS3 {
  endpoint: string
  oddity: Oddity
  close(): Promise<void>
}

export async function oddS3(): Promise<OddS3> {
  const objects = new Map<string, Held>()
  const server = createServer((request, response) => void answer(request, response))
  const self: OddS3 = {
    endpoint: '',
    oddity: 'none',
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname: key, searchParams } = new URL(request.url ?? '/', 'http://s3')
    const body = Buffer.concat(await request.toArray())
    const held = objects.get(key)
    if (request.method === 'PUT') return put(request, response, { key, body, held })
    if (request.method === 'DELETE') {
      objects.delete(key)
      response.writeHead(204).end()
    } else if (searchParams.has('list-type')) {
      response.end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>')
    } else if (held === undefined) response.writeHead(404).end()
    else if (request.method === 'HEAD')
      response.writeHead(200, { ...held.headers, 'content-length': held.body.length }).end()
    else read(request, response, held, key.includes('/media/') ? self.oddity : 'none')
  }

  function put(
    { headers: given }: IncomingMessage,
    response: ServerResponse,
    { key, body, held }: { key: string; body: Buffer; held: Held | undefined },
  ): void {
    if (given['if-none-match'] === '*' && held !== undefined) return void response.writeHead(412).end()
    const kept = Object.entries(given).filter(([name]) => /^(x-amz-meta-.*|content-type)$/.test(name))
    const headers = { ...Object.fromEntries(kept), etag: `"${randomUUID()}"` } as Record<string, string>
    objects.set(key, { body, headers: { ...headers, 'last-modified': new Date().toUTCString() } })
    response.writeHead(200, headers).end()
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  self.endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return self
}

function read(
  request: IncomingMessage,
  response: ServerResponse,
  { body, headers }: Held,
  oddity: Oddity,
): void {
  const asked = oddity === 'no ranges' ? undefined : request.headers.range
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(asked ?? '') ?? []
  const from = Number(first ?? 0) + (oddity === 'another part' ? 1 : 0)
  const to = (last === undefined ? body.length - 1 : Number(last)) + (oddity === 'another part' ? 1 : 0)
  let part = body.subarray(from, to + 1)
  if (oddity === 'half') part = part.subarray(0, part.length / 2)
  if (oddity === 'more') part = Buffer.concat([part, Buffer.from('more')])
  const range = first === undefined ? {} : { 'content-range': `bytes ${from}-${to}/${body.length}` }
  const length = oddity === 'no length' ? {} : { 'content-length': part.length }
  response.writeHead(first === undefined ? 200 : 206, { ...headers, ...range, ...length })
  if (oddity !== 'broken off') return void response.end(part)
  response.write(part.subarray(0, part.length / 2), () => response.destroy())
}
