/** The objects as the Workers call them: every row of their tables is a method here. */
import type { Env } from '../src/env.ts'
import type { CallCounters } from '../src/ports/system.ts'
import { type Peers, peersOf, type StubOptions } from './peers.ts'
import type { RoomGateway } from './room/rpc.ts'
import type { UserGateway } from './user/rpc.ts'

export type { RoomGateway, UserGateway }

/** What objects ask of each other are rows as well: a peer's method without its row does not compile. */
export interface Objects extends Peers {
  room(roomId: string): RoomGateway
  user(userId: string): UserGateway
}

/** The gateways for one Worker invocation. */
export function objectsOf(env: Env, counters: CallCounters, options: StubOptions = {}): Objects {
  // The calls are made by name: the same gateway answers whatever the tables of its object hold.
  return peersOf(env, counters, options) as Objects
}
