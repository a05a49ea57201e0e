/** The way of traces to their collector: the launcher reaches addresses that the Worker may not. */
import { type Request, Response } from 'miniflare'

const PATIENCE_MS = 5_000

/** Hands requests of the Worker on; an answer of the collector goes back as it is. */
export function collectorAt(endpoint: string): (request: Request) => Promise<Response> {
  const base = endpoint.replace(/\/+$/, '')
  return async (request) => {
    const { pathname } = new URL(request.url)
    try {
      const answer = await fetch(base + pathname.slice(pathname.indexOf('/v1/')), {
        method: 'POST',
        headers: Object.fromEntries(request.headers),
        body: await request.text(),
        redirect: 'manual',
        signal: AbortSignal.timeout(PATIENCE_MS),
      })
      return new Response(await answer.text(), { status: answer.status })
    } catch {
      return new Response(null, { status: 503 })
    }
  }
}
