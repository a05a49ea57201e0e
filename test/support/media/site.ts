/** A web site of which previews are made, page by page. */
import type { IncomingMessage, RequestListener } from 'node:http'
import { expect } from 'vitest'
import { listening } from '../listening.ts'
import { serving } from '../serving.ts'

/** A PNG of 2 × 1. */
export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAYAAAD0In+KAAAAC0lEQVR4nGNgQAcAABIAAeRVjecAAAAASUVORK5CYII=',
  'base64',
)
export const PATH = '/_matrix/client/v1/media/preview_url'

/** The site, and Alice, who asks for previews of it. */
export function previewing() {
  const site = new Map<string, RequestListener>()
  const asked: IncomingMessage[] = []
  const at = listening((request, response) => {
    asked.push(request)
    const answer = site.get(request.url!)
    if (answer === undefined) response.writeHead(404).end()
    else answer(request, response)
  })
  const { server, http, alice } = serving(['alice'], { 'allow-private-networks': 'on' })
  let pages = 0

  /** Puts something onto the site, at a path of its own; answers its URL. */
  function serve(
    body: string | Buffer,
    type = 'text/html; charset=utf-8',
    headers: Record<string, string> = {},
  ) {
    return answering((_, response) => response.writeHead(200, { 'content-type': type, ...headers }).end(body))
  }

  function answering(answer: RequestListener): string {
    pages += 1
    site.set(`/page${pages}`, answer)
    return at(`/page${pages}`)
  }

  const ask = (query: string, { path = PATH, client = alice } = {}) =>
    http.request('GET', `${path}?${query}`, undefined, { token: client.token })
  const preview = (url: string) => ask(`url=${encodeURIComponent(url)}`)
  const previewed = async (url: string) => {
    const { status, body } = await preview(url)
    expect([status, body.errcode]).toEqual([200, undefined])
    return body
  }
  const failure = async (url: string) => {
    const { status, body } = await preview(url)
    return [status, body.errcode]
  }
  const timesAsked = (url: string) => asked.filter((request) => at(request.url!) === url).length

  return {
    ...{ server, http, alice, site, asked, at },
    ...{ serve, answering, ask, preview, previewed, failure, timesAsked },
  }
}
