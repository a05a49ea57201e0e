/** Remembers which ids exist, and asks about many unknown ones at once. */

/** How many ids an isolate remembers: a few megabytes at most. */
const MAX_KNOWN = 20_000

export interface KnownIds {
  has(id: string): boolean
  add(id: string): void
}

/** A bounded memory of ids: the oldest is dropped first, which costs one more question. */
export function knownIds(): KnownIds {
  const ids = new Set<string>()
  return {
    has: (id) => ids.has(id),
    add(id) {
      if (ids.has(id)) return
      const [oldest] = ids.size >= MAX_KNOWN ? ids : []
      if (oldest !== undefined) ids.delete(oldest)
      ids.add(id)
    },
  }
}

/** Whether something exists; answered at once where that is known. */
export type OneByOne = (id: string) => boolean | Promise<boolean>

/** One question for all the ids that are asked about one by one in the same turn. */
export function together(
  ask: (ids: string[]) => Promise<Iterable<string>>,
): (id: string) => Promise<boolean> {
  let ids = new Set<string>()
  let answer: Promise<ReadonlySet<string>> | undefined
  const begin = async (): Promise<ReadonlySet<string>> => {
    // All questions of this turn go together.
    await Promise.resolve()
    const asked = [...ids]
    ids = new Set()
    answer = undefined
    return new Set(await ask(asked))
  }
  return async (id) => {
    ids.add(id)
    answer ??= begin()
    return (await answer).has(id)
  }
}
