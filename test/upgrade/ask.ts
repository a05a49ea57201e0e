/** Plain HTTP, which every version speaks. */

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape are looked into
export type Body = any

export interface Person {
  userId: string
  token: string
  deviceId: string
}

/** One request; a path without a leading `/_` stands below `/_matrix/client/v3`. */
export async function ask(
  url: string,
  person: Person | undefined,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: Body }> {
  const answer = await fetch(url + (path.startsWith('/_') ? path : `/_matrix/client/v3${path}`), {
    method,
    headers: {
      ...(person && { authorization: `Bearer ${person.token}` }),
      ...(body instanceof Uint8Array
        ? { 'content-type': 'image/png' }
        : body !== undefined && { 'content-type': 'application/json' }),
    },
    body:
      body instanceof Uint8Array
        ? new Uint8Array(body)
        : body === undefined
          ? undefined
          : JSON.stringify(body),
  })
  const isJson = answer.headers.get('content-type')?.startsWith('application/json')
  return {
    status: answer.status,
    body: isJson ? await answer.json() : Buffer.from(await answer.arrayBuffer()).toString('base64'),
  }
}

/** As `ask`, for what must succeed. @throws Error with the answer */
export async function mustAsk(...request: Parameters<typeof ask>): Promise<Body> {
  const { status, body } = await ask(...request)
  if (status !== 200)
    throw new Error(`${request[2]} ${request[3]} answers ${status}: ${JSON.stringify(body)}`)
  return body
}

/** An id as a part of a path. */
export const inPath = encodeURIComponent
