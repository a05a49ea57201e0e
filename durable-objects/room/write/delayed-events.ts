/** Delayed events (MSC4140): sent when their time is over, unless they are cancelled or started anew before. */
import type { DelayedAction, DelayedRequest } from '../../../src/objects/room/send.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { canonicalJson, type JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import type { RoomWriter } from '../context.ts'
import { requireJoined } from '../outsiders.ts'
import { txnKey } from '../read/client-events.ts'
import {
  type DelayedRow,
  delayedByTxn,
  dropOld,
  type Finalised,
  finalise,
  findDelayed,
  putDelayed,
  restartDelayed,
  waitingOf,
} from '../rows/events/delayed-store.ts'
import { requireIntegers } from './pipeline.ts'
import { requireBody, send } from './send.ts'

/** How many a user may have waiting in one room, and characters of their contents: a list shows them all. */
export const MAX_SCHEDULED = 100
const MAX_LENGTH = 262_144

/**
 * Stores an event to be sent later, inside the caller's transaction. Answers its id, and when it is due (ms).
 * @throws MatrixError M_FORBIDDEN outside the room, M_UNKNOWN (400) above the limit
 */
export function schedule(room: RoomWriter, request: DelayedRequest): { delayId: string; due: number } {
  const { sql } = room.store
  const { strictJson } = room.store.rules
  const now = room.clock.now()
  requireJoined(room.store, request.sender)
  const { deviceId, txnId } = request
  const txn = deviceId === undefined || txnId === undefined ? null : txnKey(deviceId, request.type, txnId)
  const known = delayedByTxn(sql, request.sender, txn)
  if (known !== undefined) return { delayId: known.delay_id, due: known.send_at ?? now }
  requireBody(request)
  requireIntegers(room, request)
  // Content that no event may have is refused now, and not only when the event is sent.
  const content = canonicalJson(request.content, strictJson ? 'integers' : 'any')
  checkCount(sql, request.sender, content.length)
  // Where each is cancelled in time, none ever comes to its own, and nothing else would tidy up.
  dropOld(room)
  const due = now + request.delayMs
  putDelayed(room, {
    delay_id: request.delayId,
    sender: request.sender,
    type: request.type,
    state_key: request.stateKey ?? null,
    content,
    redacts: request.redacts ?? null,
    txn,
    delay_ms: request.delayMs,
    running_since: now,
    send_at: due,
    finalised: null,
    finalised_at: null,
  })
  return { delayId: request.delayId, due }
}

function checkCount(sql: SqlStorage, sender: string, length: number): void {
  const waiting = waitingOf(sql, sender)
  if (waiting.n < MAX_SCHEDULED && waiting.length + length <= MAX_LENGTH) return
  throw new MatrixError('M_UNKNOWN', 'Too many delayed events are waiting in this room', {
    status: 400,
    extra: { 'org.matrix.msc4140.errcode': 'M_MAX_DELAYED_EVENTS_EXCEEDED' },
  })
}

/** What an action does that ends the wait. `restart` is the only one that does not. */
const OUTCOME: Readonly<Record<DelayedAction, Finalised['outcome'] | undefined>> = {
  send: 'send',
  cancel: 'cancel',
  restart: undefined,
}

/**
 * Carries out an action on a delayed event, inside the caller's transaction.
 * @param userId the asker, where known; anybody else proves by knowing the id that they may ask
 * @param barred why its sender may send nothing now
 * @returns the error of an event that could not be sent; its wait is over all the same
 * @throws MatrixError M_NOT_FOUND, or status 409 where it is over in another way
 */
export function act(
  room: RoomWriter,
  delayId: string,
  action: DelayedAction,
  { userId, barred }: { userId: string | undefined; barred: MatrixError | undefined },
): MatrixError | undefined {
  const row = findDelayed(room.store.sql, delayId)
  if (row === undefined || (userId !== undefined && userId !== row.sender)) {
    throw new MatrixError('M_NOT_FOUND', 'No such delayed event')
  }
  if (row.send_at === null) {
    const { outcome, reason } = JSON.parse(row.finalised ?? '{}') as Finalised
    if (outcome === OUTCOME[action] && reason !== 'error') return undefined
    throw new MatrixError('M_UNKNOWN', `This delayed event is over: ${outcome}`, { status: 409 })
  }
  if (action === 'send') return sendNow(room, row, 'action', barred)
  if (action === 'cancel') finalise(room, row, { outcome: 'cancel', reason: 'action' })
  else restartDelayed(room, row, room.clock.now())
  return undefined
}

/** Sends an event whose time has come, or ends it where its sender is barred, inside the caller's transaction. */
export function sendDue(room: RoomWriter, delayId: string, barred: MatrixError | undefined): void {
  const row = findDelayed(room.store.sql, delayId)
  if (row === undefined || row.send_at === null) return
  sendNow(room, row, 'delay', barred)
  dropOld(room)
}

/** Power and membership count now, not when it was scheduled. */
function sendNow(
  room: RoomWriter,
  row: DelayedRow,
  reason: 'delay' | 'action',
  barred: MatrixError | undefined,
): MatrixError | undefined {
  const request = {
    sender: row.sender,
    type: row.type,
    stateKey: row.state_key ?? undefined,
    content: JSON.parse(row.content) as JsonObject,
    redacts: row.redacts ?? undefined,
    delayId: row.delay_id,
  }
  // The wait is over before the event is sent: a state event ends what others have waiting for its place.
  finalise(room, row, { outcome: 'send', reason })
  try {
    if (barred !== undefined) throw barred
    const eventId = send(room, request)
    finalise(room, row, { outcome: 'send', reason, eventId })
    return undefined
  } catch (error) {
    if (!(error instanceof MatrixError)) throw error
    const shown = { errcode: error.errcode, error: error.message }
    finalise(room, row, { outcome: 'cancel', reason: 'error', error: shown })
    return error
  }
}
