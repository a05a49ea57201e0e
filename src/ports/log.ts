/** The log. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export type LogFields = Record<string, string | number | boolean | undefined>

/** Never pass it content, tokens or passwords. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /**
   * A warning that may come again and again: one line a minute and part at most, with the count of those since the
   * line before it.
   */
  trouble(part: string, message: string, fields?: LogFields): void
  /** A logger whose lines all carry these fields, such as the request id. */
  with(fields: LogFields): Logger
}
