/** The Room's own tables. Append-only: a change is a new entry at the end. */

import { DELAYED_EVENTS_TABLE, DELAYED_OVER_INDEX } from './events/delayed-store.ts'
import { EVENTS_TABLE, STATE_GROUP_COLUMNS } from './events/events.ts'
import { RELATIONS_TABLE } from './events/relations.ts'
import { TIME_BLOCKS_TABLE } from './events/time-blocks.ts'
import { EARLY_REDACTIONS_TABLE } from './federation/early-redactions.ts'
import { GAPS_TABLE } from './federation/gaps.ts'
import { JUDGED_CONTENTS_TABLE } from './federation/judged-contents.ts'
import { RELAYED_TABLE } from './federation/relayed.ts'
import { SERVERS_TABLE } from './federation/servers.ts'
import { STAGED_TABLE } from './federation/staged.ts'
import { STATE_GROUPS_TABLES } from './federation/state-groups.ts'
import { DEVICE_MARKS_TABLE } from './members/device-marks.ts'
import { ERASED_TABLE, ERASING_TABLE } from './members/erasures.ts'
import { FORGOTTEN_TABLE } from './members/forgotten.ts'
import { MEMBERS_TABLE } from './members/members.ts'
import { PROFILE_MARKS_TABLE } from './members/profile-marks.ts'
import { RECEIPTS_TABLE } from './members/receipts.ts'
import { CHAIN_LINKS_INDEX, CHAIN_LINKS_TABLE } from './state/auth-chain.ts'
import { STATE_ENDS_INDEX, STATE_TABLE } from './state/state.ts'
import { LOG_TABLE } from './tell/log.ts'
import { MEMBER_FEED_TABLE } from './tell/member-feed.ts'
import { PUSH_MEMBERS_TABLE, PUSH_READS_COLUMN } from './tell/push-members.ts'
import { SUBSCRIBERS_TABLE } from './tell/subscribers.ts'

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
  PROFILE_MARKS_TABLE,
  STATE_GROUPS_TABLES +
    STATE_GROUP_COLUMNS +
    STAGED_TABLE +
    GAPS_TABLE +
    EARLY_REDACTIONS_TABLE +
    CHAIN_LINKS_INDEX +
    STATE_ENDS_INDEX,
  SERVERS_TABLE,
  RELAYED_TABLE,
  JUDGED_CONTENTS_TABLE,
  DELAYED_OVER_INDEX,
]
