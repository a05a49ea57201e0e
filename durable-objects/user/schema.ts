/** The User object's own tables. Append-only: a change is a new entry at the end. */

import { DEVICES_TABLE, REFRESH_COLUMNS } from './account/device-rows.ts'
import { PROFILE_TABLE } from './account/profile.ts'
import { PROFILE_CHANGES_TABLE } from './account/profile-changes.ts'
import { REVOKED_TABLE } from './account/sessions.ts'
import { DELAYED_ROOMS_TABLE } from './delayed-rooms.ts'
import { EVENT_OUTBOX_TABLE } from './event-outbox.ts'
import { KEY_BACKUP_BYTES, KEY_BACKUP_TABLES } from './keys/backup-rows.ts'
import { CROSS_SIGNING_TABLES } from './keys/cross-signing.ts'
import { DEHYDRATED_TABLE } from './keys/dehydrated-rows.ts'
import { DEVICE_CHANGES_TABLE } from './keys/device-changes.ts'
import { DEVICE_KEYS_TABLE } from './keys/device-keys.ts'
import { USER_LOG_TABLE } from './log.ts'
import { OUTBOX_TABLES } from './outbox.ts'
import { BADGES_TABLE } from './push/badges.ts'
import { PUSHERS_TABLE } from './push/pushers.ts'
import { PUSH_QUEUE_TABLES, PUSH_TOLD_TABLE } from './push/queue-rows.ts'
import { ROOM_JOBS_TABLE } from './room-jobs.ts'
import { ACCOUNT_DATA_TABLE } from './settings/account-data.ts'
import { FILTERS_TABLE } from './settings/filters.ts'
import { READ_MARKERS_TABLE } from './settings/read-markers.ts'
import { THREAD_PLACES, THREAD_SUBSCRIPTIONS_TABLE } from './settings/thread-subscriptions.ts'
import { HEAD_TABLES } from './sync/head-store.ts'
import { OUTSIDE_COLUMN, ROOM_CHANGE_COLUMNS, ROOMS_TABLE } from './sync/room-rows.ts'
import { SLIDING_TABLES } from './sync/sliding/store.ts'
import { INBOX_TABLES } from './to-device/inbox.ts'

export const USER_MIGRATIONS: readonly string[] = [
  DEVICES_TABLE,
  FILTERS_TABLE,
  ACCOUNT_DATA_TABLE,
  ROOMS_TABLE + HEAD_TABLES + REVOKED_TABLE + USER_LOG_TABLE,
  REFRESH_COLUMNS,
  PROFILE_TABLE,
  ROOM_JOBS_TABLE,
  DELAYED_ROOMS_TABLE,
  READ_MARKERS_TABLE,
  DEVICE_KEYS_TABLE + CROSS_SIGNING_TABLES + DEVICE_CHANGES_TABLE,
  INBOX_TABLES + OUTBOX_TABLES,
  KEY_BACKUP_TABLES,
  PUSHERS_TABLE + PUSH_QUEUE_TABLES,
  DEHYDRATED_TABLE,
  BADGES_TABLE,
  PUSH_TOLD_TABLE,
  KEY_BACKUP_BYTES,
  THREAD_SUBSCRIPTIONS_TABLE,
  ROOM_CHANGE_COLUMNS + SLIDING_TABLES,
  PROFILE_CHANGES_TABLE,
  THREAD_PLACES,
  EVENT_OUTBOX_TABLE,
  OUTSIDE_COLUMN,
]
