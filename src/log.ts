/** The log: one JSON object a line on the console. It holds no content, no tokens, no passwords. */
import { gatherLines } from './gathered-lines.ts'
import type { Later, LogFields, Logger, LogLevel, LogSink, WrittenLevel } from './ports/log.ts'
import type { Clock } from './ports/system.ts'
import { systemClock } from './system.ts'

const SEVERITY: Record<LogLevel, number> = { debug: 10, info: 20, warn: 30, error: 40, silent: 100 }

/** How long the lines after one of the same trouble are only counted, ms. */
const TROUBLE_PAUSE_MS = 60_000

/** A logger that writes lines of `level` and above. */
export function createLogger(
  level: LogLevel,
  clock: Clock,
  sink: LogSink = toConsole,
  bound: LogFields = {},
  troubles = new Map<string, { writtenAt: number; count: number }>(),
): Logger {
  const at = (lineLevel: WrittenLevel) => (message: string, fields?: LogFields, later?: Later) => {
    if (SEVERITY[lineLevel] < SEVERITY[level]) return
    const time = new Date(clock.now()).toISOString()
    sink(lineLevel, JSON.stringify({ time, level: lineLevel, message, ...bound, ...fields }), later)
  }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    trouble(part, message, fields) {
      const known = troubles.get(part) ?? { writtenAt: Number.NEGATIVE_INFINITY, count: 0 }
      troubles.set(part, known)
      known.count += 1
      if (clock.now() - known.writtenAt < TROUBLE_PAUSE_MS) return
      at('warn')(message, { ...fields, count: known.count })
      known.writtenAt = clock.now()
      known.count = 0
    },
    with: (fields) => createLogger(level, clock, sink, { ...bound, ...fields }, troubles),
  }
}

/** Each line at once. */
export function toConsole(level: WrittenLevel, line: string): void {
  // biome-ignore lint/suspicious/noConsole: the console is the log of a Worker, and this its only writer
  console[level](line)
}

const gathering = gatherLines(toConsole, () => systemClock.now())

/** The console through a gatherer: for one machine, where a write is expensive. */
export const toConsoleTogether: LogSink = gathering.sink

/** Writes the lines that wait for others. */
export function flushLines(): void {
  gathering.flush()
}
