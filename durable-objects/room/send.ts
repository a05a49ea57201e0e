/** What clients send: idempotent by transaction id, and by content for state. */
import type { SendRequest } from '../../src/ports.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { appendLocal, type LocalEvent, unchangedState } from './append.ts'
import { txnKey } from './client-events.ts'
import type { RoomContext } from './context.ts'
import { checkMayRedact } from './redact.ts'

/**
 * Appends what a client sends, inside the caller's transaction; the same request again gives the same event id.
 * @throws MatrixError M_FORBIDDEN, M_TOO_LARGE, M_BAD_JSON, M_INVALID_PARAM
 */
export function send(room: RoomContext, request: SendRequest): string {
  const event: LocalEvent = {
    sender: request.sender,
    type: request.type,
    stateKey: request.stateKey,
    content: request.content,
  }
  if (request.deviceId !== undefined && request.txnId !== undefined) {
    event.txn = txnKey(request.deviceId, request.type, request.txnId)
    const sent = room.store.eventByTxn(request.sender, event.txn)
    if (sent !== undefined) return sent
  }
  if (request.type === 'm.room.redaction' && request.stateKey === undefined)
    prepareRedaction(room, request, event)
  return unchangedState(room, event) ?? appendLocal(room, event)
}

/** Room version 11 moved `redacts` into the content; clients may put it there in every version. */
function prepareRedaction(room: RoomContext, request: SendRequest, event: LocalEvent): void {
  const target = request.redacts ?? request.content.redacts
  if (typeof target !== 'string') throw new MatrixError('M_INVALID_PARAM', 'A redaction must name an event')
  checkMayRedact(room, request.sender, target)
  const { redacts: _, ...content } = request.content
  if (room.store.rules.redactsInContent) event.content = { ...content, redacts: target }
  else Object.assign(event, { content, redacts: target })
}
