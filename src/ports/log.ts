/** The log. */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

export type LogFields = Record<string, string | number | boolean | undefined>

export type WrittenLevel = Exclude<LogLevel, 'silent'>

/** Where lines go: the console, except in tests. With `later` a line may wait for others of its moment. */
export type LogSink = (level: WrittenLevel, line: string, later?: Later) => void

/** Keeps the isolate at work until a promise is settled. */
export type Later = (work: Promise<void>) => void

/** Never pass it content, tokens or passwords. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  /** With `later` the line may wait for others of its moment, if writing them one by one is expensive. */
  info(message: string, fields?: LogFields, later?: Later): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /**
   * A warning that may repeat: at most one line a minute for each part, with the count of warnings since the line
   * before.
   */
  trouble(part: string, message: string, fields?: LogFields): void
  /** A logger whose lines all carry these fields, such as the request id. */
  with(fields: LogFields): Logger
}
