/** Memory of the launcher, which does little once it has started. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** How long the start's last buffers are in use still, ms. */
const SETTLED_MS = 1_000

/**
 * Collects the garbage of the start. Bundling, and handing the Workers to the runtime, leaves 100 MB behind that V8
 * sees no reason to collect in a process that then idles.
 */
export function collectStartGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  setTimeout(() => {
    collect()
    // What the first round found unused gives its memory back in the second.
    setTimeout(collect, SETTLED_MS).unref()
  }, SETTLED_MS).unref()
}
