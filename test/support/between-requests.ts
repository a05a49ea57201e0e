/** What is done to a server in the quiet between two requests of the tests' client. */

const works = new Map<string, () => Promise<void>>()
/** Requests that have no answer yet, by server. */
const underWay = new Map<string, number>()
/** The work that is being done, by server: a request that came into it would meet an object that is on its way out. */
const working = new Map<string, Promise<void>>()

/** Has `work` done before each request to this server during which no other is under way. Answers what ends that. */
export function betweenRequests(url: string, work: () => Promise<void>): () => void {
  works.set(new URL(url).origin, work)
  return () => works.delete(new URL(url).origin)
}

/** Runs a request, after the work where nothing else is under way. */
export async function asRequest<T>({ origin }: URL, request: () => Promise<T>): Promise<T> {
  const work = works.get(origin)
  if (work === undefined) return request()
  const before = underWay.get(origin) ?? 0
  underWay.set(origin, before + 1)
  try {
    if (before === 0) working.set(origin, work())
    await working.get(origin)
    return await request()
  } finally {
    underWay.set(origin, (underWay.get(origin) ?? 1) - 1)
  }
}
