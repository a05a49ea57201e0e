/** A bucket whose failures are answers for clients. */
import type { Bucket } from '../../ports/bucket.ts'
import type { Logger } from '../../ports/log.ts'
import { told } from './failures.ts'

/** The same bucket. What a sender of bytes did wrong is thrown as it is. */
export function guarded(bucket: Bucket, log: Logger): Bucket {
  const translated = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error) => {
      throw told(error, log)
    })
  return {
    head: (key) => translated(bucket.head(key)),
    read: (key, range) => translated(bucket.read(key, range)),
    async put(key, content, tags, onlyIf) {
      try {
        return await bucket.put(key, content, tags, onlyIf)
      } catch (error) {
        if (!(content instanceof Uint8Array) && content.failure !== undefined) throw content.failure
        throw told(error, log)
      }
    },
    async putParts(key, parts, tags) {
      const heard = new Heard(parts)
      try {
        return await bucket.putParts(key, heard, tags)
      } catch (error) {
        throw heard.failure ?? told(error, log)
      }
    },
    remove: (keys) => translated(bucket.remove(keys)),
    list: (prefix, limit, after) => translated(bucket.list(prefix, limit, after)),
  }
}

/** Notes whether the sender of the parts failed. */
class Heard implements AsyncIterable<Uint8Array> {
  failure: unknown
  readonly #parts: AsyncIterable<Uint8Array>

  constructor(parts: AsyncIterable<Uint8Array>) {
    this.#parts = parts
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, undefined> {
    const parts = this.#parts[Symbol.asyncIterator]()
    try {
      for (;;) {
        const { done, value } = await parts.next().catch((error) => {
          this.failure = error
          throw error
        })
        if (done) return undefined
        yield value
      }
    } finally {
      await parts.return?.(undefined)
    }
  }
}
