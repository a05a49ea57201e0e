/** Keeps matrix-js-sdk from logging: its clients by the logger given to them, its other parts by the one they share. */
import { type Logger, logger } from 'matrix-js-sdk/lib/logger.js'

export const silent: Logger = {
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  getChild: () => silent,
}

Object.assign(logger, silent, { log: () => {} })
