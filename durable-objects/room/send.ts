/** What clients send: idempotent by transaction id, and by content for state. */
import type { SendRequest } from '../../src/ports.ts'
import type { JsonObject } from '../../src/protocol/canonical-json.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { appendLocal, type LocalEvent, unchangedState } from './append.ts'
import { delayedKey, txnKey } from './client-events.ts'
import type { RoomContext } from './context.ts'
import { evictGuests } from './guests.ts'
import { withVoucher } from './membership.ts'
import { checkMayRedact, mayRedact } from './redact.ts'
import { checkRelation, childrenOf } from './relations.ts'

/**
 * Appends what a client sends, inside the caller's transaction; the same request again gives the same event id.
 * @throws MatrixError M_FORBIDDEN, M_TOO_LARGE, M_BAD_JSON, M_INVALID_PARAM
 */
export function send(room: RoomContext, request: SendRequest): string {
  const event: LocalEvent = {
    sender: request.sender,
    type: request.type,
    stateKey: request.stateKey,
    content: ownContent(room, request),
  }
  if (request.deviceId !== undefined && request.txnId !== undefined) {
    event.txn = txnKey(request.deviceId, request.path ?? request.type, request.txnId)
    const sent = room.store.eventByTxn(request.sender, event.txn)
    if (sent !== undefined) return sent
  } else if (request.delayId !== undefined) event.txn = delayedKey(request.delayId)
  if (request.type === 'm.room.redaction' && request.stateKey === undefined)
    prepareRedaction(room, request, event)
  const unchanged = unchangedState(room, event)
  if (unchanged !== undefined) return unchanged
  checkRelation(room, event)
  const eventId = appendLocal(room, event)
  if (request.withRelations !== undefined) redactRelated(room, request, event, request.withRelations)
  if (event.type === 'm.room.guest_access' && event.stateKey === '') evictGuests(room)
  return eventId
}

function ownContent(room: RoomContext, request: SendRequest): JsonObject {
  const { type, stateKey = '', content, joinedAllowRooms } = request
  if (type !== 'm.room.member') return content
  const current = room.store.member(stateKey)?.membership ?? null
  return withVoucher(room, content, { current, joinedAllowRooms })
}

/** Room version 11 moved `redacts` into the content; clients may put it there in every version. */
function prepareRedaction(room: RoomContext, request: SendRequest, event: LocalEvent): void {
  const target = request.redacts ?? request.content.redacts
  if (typeof target !== 'string') throw new MatrixError('M_INVALID_PARAM', 'A redaction must name an event')
  checkMayRedact(room, request, target)
  const { redacts: _, ...content } = request.content
  if (room.store.rules.redactsInContent) event.content = { ...content, redacts: target }
  else Object.assign(event, { content, redacts: target })
}

/** So many at once: each is an event of its own. */
const MAX_RELATED = 1_000

/** MSC3912: "… also redact events relating to it", as far as the sender may, each by a redaction like the first. */
function redactRelated(
  room: RoomContext,
  request: SendRequest,
  first: LocalEvent,
  relTypes: readonly string[],
): void {
  const target = request.redacts ?? request.content.redacts
  if (typeof target !== 'string') return
  const related = childrenOf(room.store.sql, { parentIds: [target], order: 'newest', limit: MAX_RELATED })
  for (const child of related) {
    if (!relTypes.includes('*') && !relTypes.includes(child.rel_type)) continue
    if (!mayRedact(room, request.sender, child.child_id)) continue
    const { txn: _, ...redaction } = first
    if (room.store.rules.redactsInContent) redaction.content = { ...first.content, redacts: child.child_id }
    else redaction.redacts = child.child_id
    appendLocal(room, redaction)
  }
}
