/** What another server may see of a room's events. Server-Server API §Backfilling; Client-Server API §Room History Visibility. */
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { eventJson } from '../../../../src/protocol/events/event-hash.ts'
import { parseExactJson } from '../../../../src/protocol/events/exact-json.ts'
import { redact } from '../../../../src/protocol/events/redaction.ts'
import { stringField } from '../../../../src/protocol/json-fields.ts'
import type { RoomVersionRules } from '../../../../src/protocol/rooms/room-version.ts'
import type { EventRow } from '../../rows/events/events.ts'
import type { JudgedRow } from '../../rows/events/judged-events.ts'
import { type ServerPart, serverPart } from '../../rows/federation/servers.ts'
import type { StatePlace } from '../../rows/federation/state-groups.ts'
import { eventIdAt, identifiedEvent, placeAfter } from '../../rows/federation/states.ts'
import type { RowReader } from '../../rows/reader.ts'
import { firstMembersFrom } from '../../rows/state/state.ts'
import { Erasures } from '../erasures.ts'

/** Users of one server that are looked at, those that came first: later ones can have seen no more than these. */
const MOST_USERS = 500

/** An event as other servers get it: as it was signed, without what this server alone says of it. */
export function pduText({ pdu }: Pick<EventRow, 'pdu'>, rules: RoomVersionRules): string {
  const text = pdu.trimEnd()
  if (!text.includes('"unsigned"')) return text
  const { unsigned: _, ...signed } = parseExactJson(text) as JsonObject
  return eventJson(signed, rules)
}

export class ServerViewer {
  readonly #store: RowReader
  readonly #serverName: string
  readonly #erasures: Erasures
  #part: ServerPart | undefined
  #users: string[] | undefined

  constructor(store: RowReader, serverName: string) {
    this.#store = store
    this.#serverName = serverName
    this.#erasures = new Erasures(store, () => false)
  }

  /** The event's JSON, or that of its redacted form where the server may not see it. */
  shown(row: JudgedRow): string {
    const { rules } = this.#store
    if (!this.maySee(row)) {
      const pdu = parseExactJson(row.pdu) as JsonObject as Pdu
      return pduText({ pdu: eventJson(redact(pdu, rules), rules) }, rules)
    }
    return pduText(this.#erasures.shown(row), rules)
  }

  /** By the history's visibility at the event, and whether a user of the server was in the room then. */
  maySee(row: JudgedRow): boolean {
    const place = placeAfter(row)
    const visibility = this.#content(place, 'm.room.history_visibility', '')?.history_visibility
    if (visibility !== 'joined' && visibility !== 'invited') return true
    const enough = visibility === 'joined' ? ['join'] : ['join', 'invite']
    if (this.#isThrough(place)) return true
    this.#users ??= firstMembersFrom(this.#store.sql, this.#serverName, MOST_USERS)
    return this.#users.some((userId) => {
      const membership = stringField(this.#content(place, 'm.room.member', userId)?.membership)
      return membership !== undefined && enough.includes(membership)
    })
  }

  /** Whether the server has been in the room without a break since before a place on its main line. */
  #isThrough({ pos, group }: StatePlace): boolean {
    this.#part ??= serverPart(this.#store.sql, this.#serverName)
    return group === null && this.#part !== undefined && this.#part.to === undefined && this.#part.from < pos
  }

  #content(place: StatePlace, type: string, stateKey: string): JsonObject | undefined {
    const eventId = eventIdAt(this.#store.sql, place, type, stateKey)
    return eventId === undefined ? undefined : identifiedEvent(this.#store.sql, eventId)?.pdu.content
  }
}
