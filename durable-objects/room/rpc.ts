/** Everything that is asked of a Room object, by what it does there. */
import type { GatewayOf } from '../rpc-table.ts'
import { serverReadRpc } from './read/federation/rpc.ts'
import { readRpc } from './read/rpc.ts'
import { tellRpc } from './tell/rpc.ts'
import { writeRpc } from './write/rpc.ts'

export const roomRpc = { ...readRpc, ...serverReadRpc, ...tellRpc, ...writeRpc }

/** The Room object, as the Workers call it. */
export type RoomGateway = GatewayOf<typeof roomRpc>
