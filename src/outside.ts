/**
 * Answers of servers that anybody may run, such as websites and push gateways. Nothing of them is read without a bound
 * in bytes, no redirect is followed before its target is checked, and all of it ends with the caller's signal.
 */

const MAX_REDIRECTS = 5
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** The first `limit` bytes, as they are after decompression, and whether that is all; the rest is never read. */
export async function readBytes(
  { body }: Response,
  limit: number,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; isWhole: boolean }> {
  const chunks: Uint8Array[] = []
  let filled = 0
  let isWhole = true
  for await (const chunk of body ?? []) {
    const piece = chunk.subarray(0, limit - filled)
    chunks.push(piece)
    filled += piece.byteLength
    isWhole = piece.byteLength === chunk.byteLength
    // Leaving the loop cancels the rest.
    if (!isWhole) break
  }
  const bytes = new Uint8Array(filled)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return { bytes, isWhole }
}

/**
 * Gives `take` the bytes as they come, until it wants no more. Answers whether they were no more than `limit`; what is beyond
 * is never read.
 */
export async function passBytes(
  { body }: Response,
  limit: number,
  take: (chunk: Uint8Array) => boolean,
): Promise<boolean> {
  let passed = 0
  for await (const chunk of body ?? []) {
    passed += chunk.byteLength
    if (passed > limit) return false
    // Leaving the loop cancels the rest.
    if (!take(chunk)) break
  }
  return true
}

/** Ends an answer whose body nobody wants. */
export async function discard({ body }: Response): Promise<void> {
  await body?.cancel().catch(() => undefined)
}

/**
 * The first answer that is no redirect, and the URL that gave it; undefined where redirects lead nowhere.
 * @param ask one request, which follows no redirect by itself
 * @param next the URL of a `Location`; it throws where the server may not look
 */
export async function followRedirects(
  ask: (url: URL) => Promise<Response>,
  start: URL,
  next: (location: string, base: URL) => URL,
): Promise<{ url: URL; response: Response } | undefined> {
  let url = start
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const response = await ask(url)
    if (!REDIRECTS.has(response.status)) return { url, response }
    await discard(response)
    const location = response.headers.get('location')
    if (location === null) return undefined
    url = next(location, url)
  }
  return undefined
}

/**
 * The same `send`, asked a second time if the connection broke before there was an answer: the other side may have
 * closed a connection that was kept open. Only for requests that change nothing.
 */
export function askAgainOnce(send: typeof fetch): typeof fetch {
  return (input, init) =>
    send(input, init).catch((error: unknown) => {
      if (init?.signal?.aborted) throw error
      return send(input, init)
    })
}
