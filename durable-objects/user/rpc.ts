/** Everything that is asked of a User object, a table for each feature. */
import type { SlidingRequest } from '../../src/objects/user/sliding.ts'
import type { StreamRequest } from '../../src/objects/user/stream.ts'
import type { SyncRequest } from '../../src/objects/user/sync.ts'
import type { GatewayOf } from '../rpc-table.ts'
import { accountRpc } from './account/rpc.ts'
import { dehydratedRpc } from './keys/dehydrated-rpc.ts'
import { keyBackupRpc } from './keys/key-backup-rpc.ts'
import { keysRpc } from './keys/rpc.ts'
import { presenceRpc } from './presence/rpc.ts'
import { pushRpc } from './push/rpc.ts'
import { settingsRpc } from './settings/rpc.ts'
import { syncRpc } from './sync/rpc.ts'
import { toDeviceRpc } from './to-device/rpc.ts'

export const userRpc = {
  ...accountRpc,
  ...dehydratedRpc,
  ...keyBackupRpc,
  ...keysRpc,
  ...presenceRpc,
  ...pushRpc,
  ...settingsRpc,
  ...syncRpc,
  ...toDeviceRpc,
}

/** The User object, as the Workers call it. */
export interface UserGateway extends GatewayOf<typeof userRpc> {
  /** The answer at once, or a WebSocket (status 101) on which it comes: see `workers/client/sync/sync.ts`. */
  sync(request: SyncRequest): Promise<Response>
  /** The same by sliding sync. */
  slide(request: SlidingRequest): Promise<Response>
  /** A WebSocket (status 101), or the error: see `workers/client/stream`. */
  stream(request: StreamRequest): Promise<Response>
}
