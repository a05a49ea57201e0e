/** The log: one JSON object a line on the console. It holds no content, no tokens, no passwords. */
import type { Clock, LogFields, Logger, LogLevel } from './ports.ts'

const SEVERITY: Record<LogLevel, number> = { debug: 10, info: 20, warn: 30, error: 40, silent: 100 }

type WrittenLevel = Exclude<LogLevel, 'silent'>

/** Where lines go; the console, but for tests. */
export type LogSink = (level: WrittenLevel, line: string) => void

/** A logger that writes lines of `level` and above. */
export function createLogger(
  level: LogLevel,
  clock: Clock,
  sink: LogSink = toConsole,
  bound: LogFields = {},
): Logger {
  const at = (lineLevel: WrittenLevel) => (message: string, fields?: LogFields) => {
    if (SEVERITY[lineLevel] < SEVERITY[level]) return
    const time = new Date(clock.now()).toISOString()
    sink(lineLevel, JSON.stringify({ time, level: lineLevel, message, ...bound, ...fields }))
  }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (fields) => createLogger(level, clock, sink, { ...bound, ...fields }),
  }
}

function toConsole(level: WrittenLevel, line: string): void {
  // biome-ignore lint/suspicious/noConsole: the console is the log of a Worker, and this its only writer
  console[level](line)
}
