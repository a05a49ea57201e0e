/** A Room's rows and its pipeline on Node's own SQLite: for tests of thousands of events of other servers. */
import { join } from 'node:path'
import { projectRoot } from '../../../local/paths.ts'
import type {
  ReceiveAnswer,
  ReceivedEvent,
  ReceiveRequest,
  RemoteJoin,
  Supplied,
} from '../../../src/objects/room/federation.ts'
import type { Clock } from '../../../src/ports/system.ts'
import { canonicalJson, type JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import type { IdentifiedPdu } from '../../../src/protocol/events/event.ts'
import type { SigningKey } from '../../../src/protocol/events/signing.ts'
import type { RoomVersionRules } from '../../../src/protocol/rooms/room-version.ts'
import { objectStorage } from '../object-storage.ts'

/** What of the product's own types is used here: theirs stand on the platform's, which Node does not know. */
interface Sql {
  exec(query: string, ...bindings: unknown[]): { toArray(): Record<string, unknown>[] }
}
interface Store {
  readonly sql: Sql
  readonly exists: boolean
  readonly rules: RoomVersionRules
  readonly roomId: string
  readonly head: number
  readonly extremities: readonly { eventId: string }[]
  initialise(roomId: string, version: string): void
  get(type: string, stateKey: string): IdentifiedPdu | undefined
  event(eventId: string): { pdu: string; pos: number } | undefined
}
export interface Room {
  readonly store: Store
}
export interface Change extends Room {
  readonly appended: readonly { event: { event_id: string } }[]
  readonly fed: readonly string[]
  readonly moved: boolean
}
export interface StatePlace {
  pos: number
  group: number | null
}

export const load = async <T>(path: string) => (await import(join(projectRoot, 'durable-objects', path))) as T
const { commit, RoomContext } = await load<{
  commit<T>(room: Room, work: (change: Change) => T): { value: T; change: Change }
  RoomContext: new (facts: object) => Room
}>('room/context.ts')
const { appendLocal, writeEvent } = await load<{
  appendLocal(change: Change, event: object): string
  writeEvent(change: Change, event: object, txn: null): void
}>('room/write/pipeline.ts')
const { receive } = await load<{ receive(change: Change, request: ReceiveRequest): ReceiveAnswer }>(
  'room/write/receive/receive.ts',
)
const { joinRemote } = await load<{ joinRemote(change: Change, roomId: string, part: RemoteJoin): void }>(
  'room/write/receive/remote-join.ts',
)
const { judgedEvent } = await load<{
  judgedEvent(sql: Sql, eventId: string): { flags: number } | undefined
}>('room/rows/events/judged-events.ts')
const { placeAfter, placeBefore } = await load<
  Record<'placeAfter' | 'placeBefore', (row: object) => StatePlace>
>('room/rows/federation/states.ts')
const { deltasOf } = await load<{
  deltasOf(sql: Sql, place: StatePlace): { type: string; stateKey: string; eventId: string | undefined }[]
}>('room/rows/federation/state-groups.ts')
const { noteApart } = await load<{ noteApart(change: Change): void }>('room/rows/federation/apart.ts')
const { RoomStore } = await load<{ RoomStore: new (storage: object, load: object) => Store }>(
  'room/rows/store.ts',
)
const { ResolutionLoad } = await load<{ ResolutionLoad: new (graceMs?: number) => object }>(
  'room/rows/federation/resolution-load.ts',
)
const { ROOM_MIGRATIONS } = await load<{ ROOM_MIGRATIONS: readonly string[] }>('room/rows/schema.ts')
const { lazyStorage } = await load<{
  lazyStorage(storage: object, migrations: readonly string[], begin: () => void): object
}>('sqlite.ts')

/** An event as a Worker hands it to a Room. */
export function received({ eventId, pdu }: IdentifiedPdu): ReceivedEvent {
  return { eventId, json: canonicalJson(pdu as unknown as JsonValue, 'any'), isRedacted: false }
}

const keyOf = (type: unknown, stateKey: unknown) => JSON.stringify([type, stateKey])

interface Host {
  clock: Clock
  signingKey: Pick<SigningKey, 'id' | 'sign'>
  /** See `ResolutionLoad`. */
  graceMs?: number | undefined
}

const STILL: Host = {
  clock: { now: () => 1_700_000_000_000 },
  signingKey: { id: 'ed25519:test', sign: () => 'c2ln' },
}

export class NodeRoom {
  /** What the last mutation changed. */
  last: Change | undefined
  readonly #serverName: string
  readonly #host: Host
  readonly #storage = objectStorage()
  #room: Room

  /** @param serverName the server that has this copy of the room */
  constructor(serverName: string, host: Host = STILL) {
    this.#serverName = serverName
    this.#host = host
    this.#room = this.#begin()
  }

  get room(): Room {
    return this.#room
  }

  /** The object leaves the memory and comes back: its tables are all that is left. */
  restart(): void {
    this.#room = this.#begin()
  }

  #begin(): Room {
    const { clock, signingKey, graceMs } = this.#host
    const storage = lazyStorage(this.#storage, ROOM_MIGRATIONS, () => {})
    const store = new RoomStore(storage, new ResolutionLoad(graceMs))
    return new RoomContext({ store, serverName: this.#serverName, erasesForAll: false, clock, signingKey })
  }

  get store(): Store {
    return this.room.store
  }

  mutate<T>(work: (change: Change) => T): T {
    const { value, change } = commit(this.room, work)
    this.last = change
    return value
  }

  /** The room begins with its create event. */
  begin(roomId: string, version: string, create: IdentifiedPdu): void {
    this.mutate((change) => {
      change.store.initialise(roomId, version)
      writeEvent(change, { ...create, json: received(create).json }, null)
    })
  }

  send(event: object): string {
    return this.mutate((change) => appendLocal(change, event))
  }

  receive(events: readonly ReceivedEvent[], supplied?: Supplied, origin = 'a.example'): ReceiveAnswer {
    return this.mutate((change) => receive(change, { origin, events: [...events], supplied }))
  }

  /** As a rebuild begins. */
  tellApart(): void {
    this.mutate(noteApart)
  }

  joinRemote(roomId: string, part: RemoteJoin): void {
    this.mutate((change) => joinRemote(change, roomId, part))
  }

  rows(query: string, ...bindings: unknown[]): Record<string, unknown>[] {
    return this.store.sql.exec(query, ...bindings).toArray()
  }

  count(table: string): number {
    return Number(this.rows(`SELECT count(*) AS n FROM ${table}`)[0]?.n ?? 0)
  }

  /** What the room made of an event: 0 accepted, 1 rejected, 2 soft-failed, 4 outlier; undefined: it has none. */
  flags(eventId: string): number | undefined {
    return judgedEvent(this.store.sql, eventId)?.flags
  }

  current(): Map<string, string> {
    return this.#stateOf(this.rows('SELECT type, state_key, event_id FROM state WHERE to_pos IS NULL'))
  }

  before(eventId: string): Map<string, string> {
    return this.#stateAt(placeBefore(judgedEvent(this.store.sql, eventId)!))
  }

  after(eventId: string): Map<string, string> {
    return this.#stateAt(placeAfter(judgedEvent(this.store.sql, eventId)!))
  }

  #stateAt(place: StatePlace): Map<string, string> {
    const { pos } = place
    const query =
      'SELECT type, state_key, event_id FROM state WHERE from_pos <= ? AND (to_pos IS NULL OR to_pos > ?)'
    const state = this.#stateOf(this.rows(query, pos, pos))
    for (const { type, stateKey, eventId } of deltasOf(this.store.sql, place)) {
      if (eventId === undefined) state.delete(keyOf(type, stateKey))
      else state.set(keyOf(type, stateKey), eventId)
    }
    return state
  }

  #stateOf(rows: Record<string, unknown>[]): Map<string, string> {
    return new Map(rows.map((row) => [keyOf(row.type, row.state_key), String(row.event_id)]))
  }
}
