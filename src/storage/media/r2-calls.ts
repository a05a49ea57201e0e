/** R2 whose operations are counted by what they are billed as: writes and lists, reads, and nothing for deletes. */
import type { CallCounters } from '../../ports/system.ts'

/** Billed as class A; what is not here nor among the free ones is class B. */
const WRITES: ReadonlySet<string> = new Set([
  'put',
  'list',
  'createMultipartUpload',
  'uploadPart',
  'complete',
])
const FREE: ReadonlySet<string> = new Set(['delete', 'abort', 'resumeMultipartUpload'])

/** The same bucket, or upload in parts, with its calls counted as `r2.writes` and `r2.reads`. */
export function countedR2<T extends object>(target: T, calls: CallCounters): T {
  return new Proxy(target, {
    get(_, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]): unknown => {
        if (!FREE.has(String(name))) calls.count(WRITES.has(String(name)) ? 'r2.writes' : 'r2.reads')
        const answer: unknown = value.apply(target, args)
        if (name !== 'createMultipartUpload') return answer
        return (answer as Promise<R2MultipartUpload>).then((upload) => countedR2(upload, calls))
      }
    },
  })
}
