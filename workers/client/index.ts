/** The client API: what is mounted under `v3` (and its old name `r0`), and under `v1`. */
import { Hono } from 'hono'
import type { AppEnv } from '../app-env.ts'
import { account } from './accounts/account.ts'
import { moderation, whois } from './accounts/moderation.ts'
import { openId } from './accounts/openid.ts'
import { profile } from './accounts/profile.ts'
import { refreshing } from './accounts/refresh.ts'
import { registration, registrationV1 } from './accounts/registration.ts'
import { session } from './accounts/session.ts'
import { discovery } from './discovery.ts'
import { jumpToDate } from './events/jump-to-date.ts'
import { receipts } from './events/receipts.ts'
import { redaction } from './events/redact.ts'
import { relations } from './events/relations.ts'
import { report } from './events/report.ts'
import { send } from './events/send.ts'
import { state } from './events/state.ts'
import { threadChanges, threadSubscriptions } from './events/thread-subscriptions.ts'
import { timeline } from './events/timeline.ts'
import { typing } from './events/typing.ts'
import { crossSigning } from './keys/cross-signing.ts'
import { devices } from './keys/devices.ts'
import { keys } from './keys/keys.ts'
import { roomKeys } from './keys/room-keys.ts'
import { sendToDevice } from './keys/send-to-device.ts'
import { notifications } from './push/notifications.ts'
import { pushRules } from './push/push-rules.ts'
import { pushers } from './push/pushers.ts'
import { aliases } from './rooms/aliases.ts'
import { createRoom } from './rooms/create-room.ts'
import { forgetAndUpgrade } from './rooms/forget-upgrade.ts'
import { hierarchy } from './rooms/hierarchy.ts'
import { membership } from './rooms/membership.ts'
import { roomDirectory } from './rooms/room-directory.ts'
import { roomSummary, unstableRoomSummary } from './rooms/room-summary.ts'
import { search } from './search/search.ts'
import { mutualRooms, unstableMutualRooms, userDirectory } from './search/user-directory.ts'
import { accountData, removedAccountData } from './settings/account-data.ts'
import { tags } from './settings/tags.ts'
import { stream } from './stream/stream.ts'
import { filters } from './sync/filters.ts'
import { legacy } from './sync/legacy-sync.ts'
import { presence } from './sync/presence.ts'
import { slidingSync, unstableSlidingSync } from './sync/sliding-sync.ts'
import { sync } from './sync/sync.ts'
import { thirdParty } from './third-party.ts'
import { voip } from './voip.ts'

export const clientApp = new Hono<AppEnv>()

for (const part of [
  registration,
  session,
  refreshing,
  account,
  profile,
  whois,
  openId,
  voip,
  thirdParty,
  devices,
  keys,
  crossSigning,
  discovery,
  createRoom,
  membership,
  send,
  sendToDevice,
  roomKeys,
  state,
  timeline,
  redaction,
  legacy,
  typing,
  aliases,
  roomDirectory,
  userDirectory,
  search,
  report,
  filters,
  accountData,
  tags,
  forgetAndUpgrade,
  pushRules,
  pushers,
  notifications,
  presence,
  receipts,
  sync,
]) {
  clientApp.route('/', part)
}

/** Endpoints that came after `v3` start again at `v1`. */
export const clientV1App = new Hono<AppEnv>()

for (const part of [registrationV1, relations, jumpToDate, refreshing, moderation])
  clientV1App.route('/', part)
for (const part of [hierarchy, roomSummary, mutualRooms]) clientV1App.route('/', part)

/** Endpoints that came in place of one of `v3`. */
export const clientV4App = new Hono<AppEnv>()

clientV4App.route('/', slidingSync)

/** Endpoints under the names they had before the specification took them in. */
export const clientUnstableApp = new Hono<AppEnv>()

for (const part of [unstableRoomSummary, unstableMutualRooms, crossSigning, roomKeys])
  clientUnstableApp.route('/', part)
clientUnstableApp.route('/', stream)
clientUnstableApp.route('/org.matrix.msc2946', hierarchy)
clientUnstableApp.route('/org.matrix.msc3391', removedAccountData)
clientUnstableApp.route('/org.matrix.msc4151', report)
clientUnstableApp.route('/org.matrix.simplified_msc3575', unstableSlidingSync)
clientUnstableApp.route('/io.element.msc4306', threadSubscriptions)
clientUnstableApp.route('/io.element.msc4308', threadChanges)
