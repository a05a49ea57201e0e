/** The headers that every answer has: for browsers, and against what they might make of it. */

/** Client-Server API §Web Browser Clients: on every response, errors and unknown paths included. */
const CORS: [string, string][] = [
  ['Access-Control-Allow-Origin', '*'],
  ['Access-Control-Allow-Methods', 'GET, POST, PUT, DELETE, OPTIONS'],
  ['Access-Control-Allow-Headers', 'X-Requested-With, Content-Type, Authorization'],
  ['Access-Control-Expose-Headers', 'Retry-After, X-Request-Id'],
]

/** Our answers are data for other origins' programs, and never a page to be rendered or framed. */
const SECURITY: [string, string][] = [
  ['X-Content-Type-Options', 'nosniff'],
  ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'"],
  ['Cross-Origin-Resource-Policy', 'cross-origin'],
  ['Referrer-Policy', 'no-referrer'],
]

/** So that nothing between keeps an answer, unless its route says for how long. */
const CACHE: [string, string] = ['Cache-Control', 'no-store']

/** Setting headers one by one costs more than all else of a short answer. The runtime copies a whole set at once. */
const JSON_HEADERS = new Headers([['Content-Type', 'application/json'], ...CORS, ...SECURITY, CACHE])

/** The answers that began with `JSON_HEADERS`. */
const dressed = new WeakSet<Response>()

/** A JSON answer of one of the endpoints that are asked all day. */
export function jsonAnswer(body: string | ReadableStream | null): Response {
  const answer = new Response(body, { headers: JSON_HEADERS })
  dressed.add(answer)
  return answer
}

/** A route that sets one of these headers itself, such as a page's own policy, keeps what it set. */
export function dress(answer: Response, requestId: string): void {
  const { headers } = answer
  if (!dressed.has(answer)) {
    for (const [name, value] of CORS) headers.set(name, value)
    for (const [name, value] of [...SECURITY, CACHE]) if (!headers.has(name)) headers.set(name, value)
  }
  headers.set('X-Request-Id', requestId)
}
