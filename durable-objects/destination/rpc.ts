/** Everything that is asked of a Destination. */
import type { DestinationMark } from '../../src/objects/destination/peer.ts'
import { type GatewayOf, rpcTable } from '../rpc-table.ts'
import type { DestinationDesk } from './desk.ts'

export const destinationRpc = rpcTable<DestinationDesk>()({
  /** A room has something for the server. */
  mark: {
    session: 'none',
    repeatable: true,
    run({ beforeAnswer, queue }, mark: DestinationMark): undefined | Promise<never> {
      queue.mark(mark)
      return beforeAnswer()
    },
  },

  /** The server has sent something, so it is there. Only for a server that shares a room. */
  rouse: { session: 'none', repeatable: true, run: ({ queue }): void => queue.rouse() },
})

/** A Destination, as the Workers call it. */
export type DestinationGateway = GatewayOf<typeof destinationRpc>
