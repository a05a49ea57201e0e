/** All mistakes, by folder. */
import { ACCOUNTS } from './list/accounts.ts'
import { EVENT_STREAM } from './list/event-stream.ts'
import { LOCAL } from './list/local.ts'
import { MEDIA } from './list/media.ts'
import { MIDDLEWARE } from './list/middleware.ts'
import { PROTOCOL } from './list/protocol.ts'
import { PUSH } from './list/push.ts'
import { ROOM } from './list/room.ts'
import { SLIDING } from './list/sliding.ts'
import { STREAM_MUTANTS } from './list/stream.ts'
import { SYNC } from './list/sync.ts'
import { TOKENS } from './list/tokens.ts'
import { USER } from './list/user.ts'
import { WORKERS } from './list/workers.ts'
import type { Mutant } from './mutant.ts'

export const MUTANTS: readonly Mutant[] = [
  ...PROTOCOL,
  ...ACCOUNTS,
  ...TOKENS,
  ...MEDIA,
  ...PUSH,
  ...ROOM,
  ...USER,
  ...SLIDING,
  ...STREAM_MUTANTS,
  ...EVENT_STREAM,
  ...SYNC,
  ...MIDDLEWARE,
  ...WORKERS,
  ...LOCAL,
]
