/** The Room's own tables. Append-only: a change is a new entry at the end. */

import { CHAIN_LINKS_TABLE } from './auth-chain.ts'
import { DELAYED_EVENTS_TABLE } from './delayed-store.ts'
import { DEVICE_MARKS_TABLE } from './device-marks.ts'
import { ERASED_TABLE, ERASING_TABLE } from './erasures.ts'
import { EVENTS_TABLE } from './events.ts'
import { FORGOTTEN_TABLE } from './forgotten.ts'
import { LOG_TABLE } from './log.ts'
import { MEMBER_FEED_TABLE } from './member-feed.ts'
import { MEMBERS_TABLE } from './members.ts'
import { PUSH_MEMBERS_TABLE, PUSH_READS_COLUMN } from './push-members.ts'
import { RECEIPTS_TABLE } from './receipts.ts'
import { RELATIONS_TABLE } from './relations.ts'
import { STATE_TABLE } from './state.ts'
import { SUBSCRIBERS_TABLE } from './subscribers.ts'
import { TIME_BLOCKS_TABLE } from './time-blocks.ts'

export const ROOM_MIGRATIONS: readonly string[] = [
  EVENTS_TABLE +
    CHAIN_LINKS_TABLE +
    STATE_TABLE +
    MEMBERS_TABLE +
    MEMBER_FEED_TABLE +
    SUBSCRIBERS_TABLE +
    LOG_TABLE,
  RELATIONS_TABLE + TIME_BLOCKS_TABLE,
  FORGOTTEN_TABLE + DELAYED_EVENTS_TABLE,
  ERASED_TABLE,
  RECEIPTS_TABLE,
  ERASING_TABLE,
  DEVICE_MARKS_TABLE,
  PUSH_MEMBERS_TABLE,
  PUSH_READS_COLUMN,
]
