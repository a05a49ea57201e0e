/** Lines of the log that may wait for others of their moment. On one machine each write wakes two processes. */
import type { LogSink } from './ports/log.ts'

/** How long a line waits at most, ms, and how many wait. */
const GATHER_MS = 100
const MOST_LINES = 200

/** A sink, and the way to write what waits in it at once. */
export interface GatheringSink {
  sink: LogSink
  flush(): void
}

/** A sink in front of `write`: lines that come with `later` go together, the others at once, after those that wait. */
export function gatherLines(write: LogSink, now: () => number): GatheringSink {
  let lines: string[] = []
  let due = 0
  const flush = () => {
    if (lines.length === 0) return
    const text = lines.join('\n')
    lines = []
    write('info', text)
  }
  const sink: LogSink = (level, line, later) => {
    if (later === undefined) {
      flush()
      write(level, line)
      return
    }
    if (lines.length === 0) {
      due = now() + GATHER_MS
      later(pause().then(flush))
    }
    lines.push(line)
    // The request that was to write them may have been cut off.
    if (lines.length === MOST_LINES || now() > due) flush()
  }
  return { sink, flush }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, GATHER_MS))
}
