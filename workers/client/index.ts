/** The client API: what is mounted under `v3` (and its old name `r0`), and under `v1`. */
import { Hono } from 'hono'
import type { AppEnv } from '../app-env.ts'
import { accountData } from './account-data.ts'
import { aliases } from './aliases.ts'
import { createRoom } from './create-room.ts'
import { devices } from './devices.ts'
import { discovery } from './discovery.ts'
import { filters } from './filters.ts'
import { membership } from './membership.ts'
import { pushRules } from './push-rules.ts'
import { registration, registrationV1 } from './registration.ts'
import { send } from './send.ts'
import { session } from './session.ts'
import { state } from './state.ts'
import { sync } from './sync.ts'
import { timeline } from './timeline.ts'
import { typing } from './typing.ts'

export const clientApp = new Hono<AppEnv>()

for (const part of [
  registration,
  session,
  devices,
  discovery,
  createRoom,
  membership,
  send,
  state,
  timeline,
  typing,
  aliases,
  filters,
  accountData,
  pushRules,
  sync,
]) {
  clientApp.route('/', part)
}

/** Endpoints that came after `v3` start again at `v1`. */
export const clientV1App = registrationV1
