/** Passes the Worker's JSON logs on, and the runtime's own complaints as lines of the same shape. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

interface RuntimeLine {
  level: string
  message: string
  timestamp: number
}

const SEVERITY: Record<LogLevel, number> = { debug: 10, info: 20, warn: 30, error: 40, silent: 100 }

/** Writes a line of the launcher's own, if `level` lets it through. */
export type Tell = (level: Exclude<LogLevel, 'silent'>, message: string, fields?: object) => void

/** The launcher's own lines, in the shape of all others. */
export function teller(level: LogLevel, write: (line: string) => void): Tell {
  return (lineLevel, message, fields) => {
    if (SEVERITY[lineLevel] < SEVERITY[level]) return
    const time = new Date().toISOString()
    write(JSON.stringify({ time, level: lineLevel, source: 'launcher', message, ...fields }))
  }
}

/** A handler for miniflare's structured logs that writes what `level` lets through, a line or several at a time. */
export function logHandler(level: LogLevel, write: (lines: string) => void): (line: RuntimeLine) => void {
  return ({ level: lineLevel, message, timestamp }) => {
    if (level === 'silent') return
    // The Worker's own lines are JSON, and the Worker has checked their level; those of a moment come together.
    if (message.startsWith('{')) {
      write(message)
      return
    }
    const native = NATIVE.exec(message)
    // The request's own line tells how it ended if a host cannot be reached, so nothing is said here.
    const severity =
      native !== null ? 'debug' : lineLevel === 'error' || lineLevel === 'warn' ? lineLevel : 'info'
    if (SEVERITY[severity] < SEVERITY[level]) return
    const time = new Date(timestamp).toISOString()
    write(JSON.stringify({ time, level: severity, source: 'runtime', message: native?.[1] ?? message }))
  }
}

/**
 * A failure in the runtime's own code, about the network: `e = kj/async-io-unix.c++:1293: failed: DNS lookup failed.;
 * params.host = …`, with addresses of machine code. Only the words before the parameters are kept: these name hosts.
 */
const NATIVE =
  /^(?:e = )?(?:kj|workerd|capnp|rust)\/[\w./+-]+\.(?:c\+\+|h|rs):\d+: (?:failed|disconnected|overloaded): ([^;\n]*)/
