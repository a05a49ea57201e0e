/** What the parts of a Room share: its rows, its clock and key, and what the running mutation has appended. */
import type { TimelineEvent } from '../../src/objects/room/sync.ts'
import type { Clock } from '../../src/ports/system.ts'
import type { SigningKey } from '../../src/protocol/events/signing.ts'
import { serverNameOf } from '../../src/protocol/identifiers.ts'
import type { RoomStore } from './rows/store.ts'

export class RoomContext {
  readonly store: RoomStore
  readonly clock: Clock
  readonly serverName: string
  readonly signingKey: SigningKey
  /** Events of the mutation under way: they reach subscribers once it is committed. */
  appended: TimelineEvent[] = []
  /** Local users whose membership the mutation under way has changed. */
  fed: string[] = []

  /** An erasure takes what its user said from everybody, and not only from those who come later. */
  erasesForAll = false

  /** Events come back from the archive: nobody is told of them one by one. */
  restoring = false

  /** The mutation under way changed an event that was appended before. */
  rewritten = false

  /** The mutation under way leaves the archive more to learn than its events. */
  logged = false

  /** The mutation under way changes what a list in Postgres shows, other than by its events. */
  listsChanged = false

  constructor(store: RoomStore, clock: Clock, serverName: string, signingKey: SigningKey) {
    this.store = store
    this.clock = clock
    this.serverName = serverName
    this.signingKey = signingKey
  }

  /** A mutation begins: it has done nothing yet. */
  begin(): void {
    this.appended = []
    this.fed = []
    this.rewritten = false
    this.logged = false
    this.listsChanged = false
  }

  isLocal(userId: string): boolean {
    return serverNameOf(userId) === this.serverName
  }
}
