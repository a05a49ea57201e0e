/** The client API: what is mounted under `v3` (and its old name `r0`), and under `v1`. */
import { Hono } from 'hono'
import type { AppEnv } from '../app-env.ts'
import { account } from './account.ts'
import { accountData, removedAccountData } from './account-data.ts'
import { aliases } from './aliases.ts'
import { createRoom } from './create-room.ts'
import { crossSigning } from './cross-signing.ts'
import { devices } from './devices.ts'
import { discovery } from './discovery.ts'
import { filters } from './filters.ts'
import { hierarchy } from './hierarchy.ts'
import { jumpToDate } from './jump-to-date.ts'
import { keys } from './keys.ts'
import { legacy } from './legacy-sync.ts'
import { membership } from './membership.ts'
import { moderation, whois } from './moderation.ts'
import { notifications } from './notifications.ts'
import { openId } from './openid.ts'
import { presence } from './presence.ts'
import { profile } from './profile.ts'
import { pushRules } from './push-rules.ts'
import { pushers } from './pushers.ts'
import { receipts } from './receipts.ts'
import { redaction } from './redact.ts'
import { refreshing } from './refresh.ts'
import { registration, registrationV1 } from './registration.ts'
import { relations } from './relations.ts'
import { report } from './report.ts'
import { roomDirectory } from './room-directory.ts'
import { roomKeys } from './room-keys.ts'
import { roomLife } from './room-life.ts'
import { roomSummary, unstableRoomSummary } from './room-summary.ts'
import { search } from './search.ts'
import { send } from './send.ts'
import { sendToDevice } from './send-to-device.ts'
import { session } from './session.ts'
import { state } from './state.ts'
import { sync } from './sync.ts'
import { tags } from './tags.ts'
import { thirdParty } from './third-party.ts'
import { threadSubscriptions } from './thread-subscriptions.ts'
import { timeline } from './timeline.ts'
import { typing } from './typing.ts'
import { mutualRooms, unstableMutualRooms, userDirectory } from './user-directory.ts'
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
  roomLife,
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

/** Endpoints under the names they had before the specification took them in. */
export const clientUnstableApp = new Hono<AppEnv>()

for (const part of [unstableRoomSummary, unstableMutualRooms, crossSigning, roomKeys])
  clientUnstableApp.route('/', part)
clientUnstableApp.route('/org.matrix.msc2946', hierarchy)
clientUnstableApp.route('/org.matrix.msc3391', removedAccountData)
clientUnstableApp.route('/org.matrix.msc4151', report)
clientUnstableApp.route('/io.element.msc4306', threadSubscriptions)
