/** What tests of the search say, look for and find. */
import { expect, vi } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import type { TestServer } from '../../../support/server.ts'

export const ask = (who: Client, criteria: Body, nextBatch?: string) => {
  const path = nextBatch === undefined ? '/search' : `/search?next_batch=${encodeURIComponent(nextBatch)}`
  return who.post(path, { search_categories: { room_events: criteria } })
}
export const search = async (
  who: Client,
  term: string,
  criteria: Body = {},
  nextBatch?: string,
): Promise<Body> =>
  must(await ask(who, { search_term: term, ...criteria }, nextBatch)).body.search_categories.room_events
export const ids = (found: Body): string[] => found.results.map((entry: Body) => entry.result.event_id)

/** Searches until there are so many results, and answers them. */
export const finds = (who: Client, count: number, term: string, criteria: Body = {}): Promise<Body> =>
  vi.waitFor(
    async () => {
      const found = await search(who, term, criteria)
      expect(ids(found)).toHaveLength(count)
      return found
    },
    { timeout: 5000, interval: 50 },
  )

/** Says what can be found: an event that is shows that everything before it in its room can be. */
export async function sayAll(
  { pg }: TestServer,
  who: Client,
  roomId: string,
  texts: string[],
): Promise<string[]> {
  const said: string[] = []
  for (const text of texts) said.push(await who.say(roomId, text))
  await vi.waitFor(async () => {
    const rows = await pg('select 1 from event_search where event_id = $1', [said.at(-1)])
    expect(rows).toHaveLength(1)
  })
  return said
}
