/** What the parts of a Room work with: a reader that cannot write, and the change that a mutation makes. */
import type { Receipt, TimelineEvent } from '../../src/objects/room/sync.ts'
import type { Clock } from '../../src/ports/system.ts'
import type { SigningKey } from '../../src/protocol/events/signing.ts'
import { serverNameOf } from '../../src/protocol/identifiers.ts'
import type { RowReader } from './rows/reader.ts'
import type { RoomStore } from './rows/store.ts'

/** What reads a room: its rows, and no way to write one. */
export interface RoomReader {
  readonly store: RowReader
  readonly clock: Clock
  readonly serverName: string
  isLocal(userId: string): boolean
}

/** What a committed mutation has changed, for all that follows it. */
export interface Changed {
  /** The events it appended, in their order. */
  readonly appended: readonly TimelineEvent[]
  /** Local users whose membership it changed. */
  readonly fed: readonly string[]
  /** It changed an event that was appended before. */
  readonly rewritten: boolean
  /**
   * It changed keys of the state by no event of its own, or appended what not all members may see: its events are not
   * all there is to tell, and not for everybody.
   */
  readonly moved: boolean
  /** It leaves the archive more to learn than its events. */
  readonly logged: boolean
  /** It changes what a list in Postgres shows, other than by its events. */
  readonly listsChanged: boolean
  /** It brings the archive more than a request waits for. */
  readonly isLarge: boolean
  /** It moved a member's receipts. */
  readonly receiptsMoved: boolean
  /** Of these receipts, the public ones. */
  readonly read: readonly Receipt[]
  /** It marked a member's devices, or fields of their profile, as changed. */
  readonly marked: boolean
  /** It changed who is typing. */
  readonly typingChanged: boolean
}

/** What is the same for all mutations of a room. */
export interface RoomFacts {
  store: RoomStore
  clock: Clock
  serverName: string
  signingKey: SigningKey
  /** An erasure hides what its user said from everybody, not only from users that join later. */
  erasesForAll: boolean
}

/** A room between its mutations. */
export class RoomContext implements RoomReader {
  readonly facts: RoomFacts

  constructor(facts: RoomFacts) {
    this.facts = facts
  }

  get store(): RoomStore {
    return this.facts.store
  }

  get clock(): Clock {
    return this.facts.clock
  }

  get serverName(): string {
    return this.facts.serverName
  }

  isLocal(userId: string): boolean {
    return serverNameOf(userId) === this.facts.serverName
  }
}

/** A mutation under way: it writes, and collects what it has changed. Only `commit` makes one. */
export class RoomWriter extends RoomContext implements Changed {
  appended: TimelineEvent[] = []
  fed: string[] = []
  rewritten = false
  moved = false
  logged = false
  listsChanged = false
  isLarge = false
  receiptsMoved = false
  read: Receipt[] = []
  marked = false
  typingChanged = false
  /** The archive is told of branches already. */
  isApart = false
  /** The position of the last event of it that nobody is shown. */
  lastHidden: number | undefined
  /** Events come back from the archive: nobody is told of them one by one. */
  readonly restoring: boolean

  constructor(facts: RoomFacts, restoring: boolean) {
    super(facts)
    this.restoring = restoring
  }

  get signingKey(): SigningKey {
    return this.facts.signingKey
  }

  get erasesForAll(): boolean {
    return this.facts.erasesForAll
  }
}

/** What a mutation answers, and what it changed. */
export interface Committed<T> {
  value: T
  change: Changed
}

/**
 * Runs one mutation: one transaction from its first read to its last write, undone whole when it throws. It is
 * synchronous, since half of it would be committed at an `await` inside.
 */
export function commit<T>(
  { facts }: RoomContext,
  work: (change: RoomWriter) => T,
  { restoring = false } = {},
): Committed<T> {
  const change = new RoomWriter(facts, restoring)
  return { value: facts.store.transaction(() => work(change)), change }
}
