/** What a test can ask of a server, and the names of its objects. */
import type { Instance } from '../../local/instance.ts'
import type { Options } from '../../local/options/options.ts'

export type ObjectKind = 'ROOM' | 'USER' | 'PARTITION' | 'DESTINATION'

export interface TestServer {
  readonly url: string
  readonly serverName: string
  /** Its data folder. */
  readonly folder: string
  readonly instance: Instance
  readonly options: Options
  readonly postgres: Instance['postgres']
  readonly redis: Instance['redis']
  /** Kills the runtime as `kill -9` does and waits until it serves again, on the same data and port. */
  restart(): Promise<void>
  /** Stops it as an operator does, and starts it with other options at the same address. */
  restartWith(changes: Partial<Options>): Promise<void>
  stop(): Promise<void>
  /** Takes an object out of memory, as the platform does at will. */
  evict(kind: ObjectKind, name: string): Promise<void>
  /** Rows of a query inside an object's own SQLite. */
  sql(kind: ObjectKind, name: string, query: string): Promise<Record<string, unknown>[]>
  /** Rows of a query on this server's Postgres, which it answers even while the Worker finds it stopped. */
  pg(query: string, params?: unknown[]): Promise<Record<string, unknown>[]>
}

/** Object names, as `durable-objects/peers.ts` makes them. */
export const objectName = {
  room: (serverName: string, roomId: string) => `${serverName}/room/${roomId}`,
  user: (serverName: string, userId: string) => `${serverName}/user/${userId}`,
  partition: (serverName: string, number: number) => `${serverName}/partition/${number}`,
  destination: (serverName: string, name: string) => `${serverName}/destination/${name}`,
}
