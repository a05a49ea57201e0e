/** The objects as the Workers call them: every row of their tables is a method here. */
import type { Env } from '../src/env.ts'
import type { ConsumeRequest, WaitRequest } from '../src/objects/partition/records.ts'
import type { CallCounters } from '../src/ports/system.ts'
import type { DestinationGateway } from './destination/rpc.ts'
import type { PartitionGateway as PartitionRows } from './partition/rpc.ts'
import { type Peers, peersOf, type StubOptions } from './peers.ts'
import type { RoomGateway } from './room/rpc.ts'
import type { UserGateway } from './user/rpc.ts'

export type { DestinationGateway, RoomGateway, UserGateway }

/** A partition; what answers with a socket has no row. */
export interface PartitionGateway extends PartitionRows {
  /** A socket that is closed once there is a record at or after the offset; 204: there is one already. */
  wait(request: WaitRequest): Promise<Response>
  /** A socket on which records come. */
  consume(request: ConsumeRequest): Promise<Response>
}

/** What objects ask of each other are rows as well: a peer's method without its row does not compile. */
export interface Objects extends Peers {
  room(roomId: string): RoomGateway
  user(userId: string): UserGateway
  partition(number: number): PartitionGateway
  destination(serverName: string): DestinationGateway
}

/** The gateways for one Worker invocation. */
export function objectsOf(env: Env, counters: CallCounters, options: StubOptions = {}): Objects {
  // The calls are made by name: the same gateway answers whatever the tables of its object hold.
  return peersOf(env, counters, options) as Objects
}
