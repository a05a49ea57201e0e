/**
 * Several buckets as one: written is the first, and what is found in another is as good. So media stay readable while
 * they move, and after an operator has chosen another store.
 */
import type { Bucket, BucketPage } from '../../ports/bucket.ts'

export function layered(first: Bucket, others: Bucket[]): Bucket {
  if (others.length === 0) return first
  const all = [first, ...others]
  const elsewhere = (key: string) => firstFound(others, (bucket) => bucket.head(key))
  return {
    head: (key) => firstFound(all, (bucket) => bucket.head(key)),
    read: (key, range) => firstFound(all, (bucket) => bucket.read(key, range)),
    async put(key, content, tags, onlyIf) {
      if (onlyIf === undefined) return first.put(key, content, tags)
      if (onlyIf !== 'absent' && (await first.head(key)) !== undefined)
        return first.put(key, content, tags, onlyIf)
      const other = await elsewhere(key)
      // What is replaced stands in another store: from now on the new one is found first.
      const holds = onlyIf === 'absent' ? other === undefined : other?.etag === onlyIf.etag
      return holds && first.put(key, content, tags, 'absent')
    },
    async putParts(key, parts, tags) {
      return (await elsewhere(key)) === undefined && first.putParts(key, parts, tags)
    },
    async remove(keys) {
      // Twice: a copy from one to another may be under way, in either direction.
      for (const bucket of [...all, ...all]) await bucket.remove(keys)
    },
    list: (prefix, limit, after) => listAll(all, prefix, limit, after),
  }
}

async function firstFound<T>(
  buckets: Bucket[],
  look: (bucket: Bucket) => Promise<T | undefined>,
): Promise<T | undefined> {
  for (const bucket of buckets) {
    const found = await look(bucket)
    if (found !== undefined) return found
  }
  return undefined
}

/** What is in any of them, once. */
async function listAll(all: Bucket[], prefix: string, limit: number, after?: string): Promise<BucketPage> {
  const pages = await Promise.all(all.map((bucket) => bucket.list(prefix, limit, after)))
  // Beyond the end of a page that is not the last of its bucket, others may know more than it has told.
  const ends = pages.flatMap(({ next }) => next ?? []).sort()
  const known = [...new Set(pages.flatMap(({ keys }) => keys))].sort()
  const keys = known.filter((key) => ends[0] === undefined || key <= ends[0]).slice(0, limit)
  const next = keys.length < known.length || ends.length > 0 ? keys.at(-1) : undefined
  return next === undefined ? { keys } : { keys, next }
}
