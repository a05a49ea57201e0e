/** Passes the Worker's JSON logs on, and the runtime's own complaints as lines of the same shape. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

interface RuntimeLine {
  level: string
  message: string
  timestamp: number
}

/** A handler for miniflare's structured logs that writes what `level` lets through. */
export function logHandler(level: LogLevel, write: (line: string) => void): (line: RuntimeLine) => void {
  return ({ level: lineLevel, message, timestamp }) => {
    if (level === 'silent') return
    // The Worker's own lines are JSON, and it has minded the level itself.
    if (message.startsWith('{')) {
      write(message)
      return
    }
    const severity = lineLevel === 'error' || lineLevel === 'warn' ? lineLevel : 'info'
    if (level === 'error' && severity !== 'error') return
    if (level === 'warn' && severity === 'info') return
    write(
      JSON.stringify({
        time: new Date(timestamp).toISOString(),
        level: severity,
        source: 'runtime',
        message,
      }),
    )
  }
}
