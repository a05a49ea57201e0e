/** Uploads and their thumbnails, as a client asks for them. */
import { expect } from 'vitest'
import { watchAnswer } from '../../contract/watch.ts'
import type { Client } from '../client.ts'
import type { TestServer } from '../server.ts'
import { type Colour, type Decoded, decoded } from './images.ts'

export type Query = Record<string, string | number | boolean | undefined>

export interface Seen extends Decoded {
  type: string | null
  disposition: string | null
  bytes: Uint8Array
}

/** JPEG changes colours a little. */
export const near = (a: Colour, b: Colour) => a.every((value, i) => Math.abs(value - b[i]!) < 12)

/** What a client does with media. */
export function mediaOf(server: TestServer, client: Client) {
  const authorization = `Bearer ${client.token}`

  async function uploaded(bytes: Uint8Array, type = 'application/octet-stream'): Promise<string> {
    const url = new URL('/_matrix/media/v3/upload', server.url)
    const headers = { authorization, 'content-type': type }
    const answer = await fetch(url, { method: 'POST', headers, body: Buffer.from(bytes) })
    const { content_uri: uri } = (await answer.json()) as { content_uri: string }
    return uri.slice('mxc://'.length)
  }

  async function ask(media: string, query: Query, headers: Record<string, string> = {}): Promise<Response> {
    const url = new URL(`/_matrix/client/v1/media/thumbnail/${media}`, server.url)
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(key, String(value))
    }
    const answer = await fetch(url, { headers: { authorization, ...headers } })
    const contentType = answer.headers.get('content-type') ?? ''
    const body = contentType.startsWith('application/json') ? await answer.clone().json() : undefined
    if (answer.status < 500 && ![206, 304, 416].includes(answer.status))
      watchAnswer({ method: 'GET', url: String(url), status: answer.status, contentType, body })
    return answer
  }

  async function seen(media: string, query: Query): Promise<Seen> {
    const answer = await ask(media, query)
    expect(answer.status).toBe(200)
    const type = answer.headers.get('content-type')
    const disposition = answer.headers.get('content-disposition')
    const bytes = new Uint8Array(await answer.arrayBuffer())
    return { type, disposition, bytes, ...(await decoded(type, bytes)) }
  }

  async function failure(media: string, query: Query): Promise<[number, string]> {
    const answer = await ask(media, query)
    return [answer.status, ((await answer.json()) as { errcode: string }).errcode]
  }

  return { uploaded, ask, seen, failure }
}

/** What decoding has cost the server so far: pictures, their pixels, scans of JPEGs. */
export async function decodingOf(server: TestServer) {
  const answer = await fetch(new URL('/_selvedge/test/calls', server.url))
  const calls = (await answer.json()) as Record<string, number>
  const of = (name: string) => calls[`thumbnails.${name}`] ?? 0
  return { pictures: of('make'), pixels: of('pixels'), scans: of('scans') }
}
