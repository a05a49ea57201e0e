/** All rows, in the order they run. */

import type { Row } from '../target.ts'
import { awakeRow } from './awake.ts'
import { crowdRow } from './crowd.ts'
import { historyRow } from './history.ts'
import { keysRow } from './keys.ts'
import { callsRow, deliveryRow, syncRow } from './latency.ts'
import { mediaRow } from './media.ts'
import { membersRow } from './members.ts'
import { endRow, restRow } from './memory.ts'
import { resolutionRow } from './resolution.ts'
import { roomsRow } from './rooms.ts'
import { throughputRow } from './throughput.ts'
import { toDeviceRow } from './to-device.ts'

export const ROWS: readonly Row[] = [
  restRow,
  throughputRow,
  deliveryRow,
  syncRow,
  callsRow,
  keysRow,
  toDeviceRow,
  mediaRow,
  membersRow,
  historyRow,
  roomsRow,
  resolutionRow,
  endRow,
  awakeRow,
  crowdRow,
]
