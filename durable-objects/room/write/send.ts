/** What clients send: idempotent by transaction id, and by content for state. */
import type { SendRequest } from '../../../src/objects/room/send.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { requireOwner } from '../../../src/protocol/events/state-key.ts'
import { checkMemberContent } from '../../../src/protocol/rooms/member-content.ts'
import type { RoomReader, RoomWriter } from '../context.ts'
import { delayedKey, txnKey } from '../read/client-events.ts'
import { childrenOf } from '../rows/events/relations.ts'
import { evictGuests } from './guests.ts'
import type { LocalEvent } from './local-event.ts'
import { append, appendLocal, authorise, unchangedState } from './pipeline.ts'
import { mayRedact } from './redact.ts'
import { checkRelation } from './relation-check.ts'
import { withVoucher } from './vouching.ts'

/**
 * Appends what a client sends, inside the caller's transaction; the same request again gives the same event id.
 * @throws MatrixError M_FORBIDDEN, M_TOO_LARGE, M_BAD_JSON, M_INVALID_PARAM
 */
export function send(room: RoomWriter, request: SendRequest): string {
  const { sender, type, stateKey, redacts, asAdministrator, hasFloats } = request
  const event: LocalEvent = {
    sender,
    type,
    stateKey,
    redacts,
    asAdministrator,
    hasFloats,
    content: ownContent(room, request),
  }
  if (request.deviceId !== undefined && request.txnId !== undefined) {
    event.txn = txnKey(request.deviceId, request.path ?? request.type, request.txnId)
    const sent = room.store.eventByTxn(request.sender, event.txn)
    if (sent !== undefined) return sent
  } else if (request.delayId !== undefined) event.txn = delayedKey(request.delayId)
  requireBody(request)
  requireOwner(room.store.rules, stateKey)
  const allowed = authorise(room, event)
  const unchanged = unchangedState(room, event)
  if (unchanged !== undefined) return unchanged
  checkRelation(room, event)
  const eventId = append(room, allowed)
  if (request.withRelations !== undefined) redactRelated(room, allowed.event, request.withRelations)
  if (type === 'm.room.guest_access' && stateKey === '') evictGuests(room)
  return eventId
}

/** Past the point where a repeated request is known. @throws MatrixError M_NOT_JSON */
export function requireBody({ isBare }: SendRequest): void {
  if (isBare === true) throw new MatrixError('M_NOT_JSON', 'The body is missing: it must be a JSON object')
}

function ownContent(room: RoomReader, request: SendRequest): JsonObject {
  const { type, stateKey = '', content, joinedAllowRooms } = request
  if (type !== 'm.room.member') return content
  checkMemberContent(content)
  const current = room.store.member(stateKey)?.membership ?? null
  return withVoucher(room, content, { current, joinedAllowRooms })
}

/** So many at once: each is an event of its own. */
const MAX_RELATED = 1_000

/** MSC3912: "… also redact events relating to it", as far as the sender may, each by a redaction like the first. */
function redactRelated(room: RoomWriter, first: LocalEvent, relTypes: readonly string[]): void {
  const target = first.redacts ?? first.content.redacts
  if (typeof target !== 'string') return
  const related = childrenOf(room.store.sql, { parentIds: [target], order: 'newest', limit: MAX_RELATED })
  for (const child of related) {
    if (!relTypes.includes('*') && !relTypes.includes(child.rel_type)) continue
    if (!mayRedact(room, first.sender, child)) continue
    const { txn: _, ...redaction } = first
    appendLocal(room, { ...redaction, redacts: child.child_id })
  }
}
