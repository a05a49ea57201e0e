/** Takes the events of a transaction: each for itself, rooms side by side. Server-Server API §Transactions. */
import { MatrixError } from '../../protocol/errors.ts'
import { canonicalJson, type JsonObject } from '../../protocol/events/canonical-json.ts'
import { isRoomId } from '../../protocol/identifiers.ts'
import { stringField } from '../../protocol/json-fields.ts'
import { type RoomVersionRules, roomVersion } from '../../protocol/rooms/room-version.ts'
import { CallBudget } from './call-budget.ts'
import { checkEvents, idOf } from './check-events.ts'
import { type ReceivingPorts, type ReceivingRoom, receiveEvents } from './receive.ts'
import { type InvitedUser, takeBack } from './taken-back.ts'

/** Rooms that are worked on at the same time: each has two requests to others under way. */
const ROOMS_AT_ONCE = 3
/** The sender waits for the answer: what is not done by then is staged, ms. */
const LONGEST_MS = 25_000

export interface Inbound {
  ports: ReceivingPorts
  room(roomId: string): ReceivingRoom
  user(userId: string): InvitedUser
}

/** By event id; the error says why an event was not taken. */
export type PduResults = Record<string, { error?: string }>

export interface TakenTransaction {
  results: PduResults
  /** Whether the server is in one of the rooms. */
  sharesRoom: boolean
}

/** @param pdus as they were sent, no number lost */
export async function takeEvents(
  inbound: Inbound,
  origin: string,
  pdus: readonly JsonObject[],
): Promise<TakenTransaction> {
  const budget = new CallBudget()
  const byRoom = [...Map.groupBy(pdus, (pdu) => stringField(pdu.room_id) ?? '')]
  const taken: TakenTransaction = { results: {}, sharesRoom: false }
  const queue = byRoom.values()
  const working = Array.from({ length: ROOMS_AT_ONCE }, async () => {
    for (const [roomId, events] of queue) {
      if (!isRoomId(roomId)) continue
      const texts: string[] = []
      for (const event of events) {
        const takenBack = await takeBack(inbound, roomId, event)
        if (takenBack === undefined) texts.push(canonicalJson(event, 'any'))
        else taken.results[takenBack] = {}
      }
      if (texts.length === 0) continue
      const one = await takeOfRoom(inbound, { origin, roomId, texts, budget })
      Object.assign(taken.results, one.results)
      taken.sharesRoom ||= one.sharesRoom
    }
  })
  await Promise.all(working)
  return taken
}

interface OfRoom {
  origin: string
  roomId: string
  texts: readonly string[]
  budget: CallBudget
}

async function takeOfRoom(
  inbound: Inbound,
  { origin, roomId, texts, budget }: OfRoom,
): Promise<TakenTransaction> {
  const { clock, keyRing, metrics } = inbound.ports
  const until = clock.now() + LONGEST_MS
  const count = (outcome: string, n: number) => {
    if (n > 0) metrics.count('federation_events_total', { outcome }, n)
  }
  const room = inbound.room(roomId)
  const facts = await room.federationFacts(origin).catch(whereUnknown)
  const rules = facts && roomVersion(facts.version)
  if (facts === undefined || rules === undefined) {
    count('unknown room', texts.length)
    return { results: {}, sharesRoom: false }
  }
  if (!facts.allowed) {
    count('denied', texts.length)
    return { results: allRefused(texts, rules), sharesRoom: facts.inRoom }
  }
  const { good, refused } = await checkEvents(texts, rules, { keyRing, atOnce: 1 })
  const receiving = { origin, roomId, rules, events: good, until, budget }
  const done = good.length === 0 ? {} : await receiveEvents(inbound.ports, room, receiving)
  const verdicts = good.map(({ eventId }): [string, { error?: string }] => [eventId, done[eventId] ?? {}])
  const rejected = verdicts.filter(([, { error }]) => error !== undefined).length
  const staged = good.filter(({ eventId }) => done[eventId] === undefined).length
  count('dropped', texts.length - good.length)
  count('rejected', rejected)
  count('staged', staged)
  count('taken', good.length - rejected - staged)
  const reasons = [...refused].map(([eventId, error]): [string, { error: string }] => [eventId, { error }])
  return { results: Object.fromEntries([...reasons, ...verdicts]), sharesRoom: facts.inRoom }
}

function allRefused(texts: readonly string[], rules: RoomVersionRules): PduResults {
  const ids = texts.map((text) => idOf(text, rules)).filter((id) => id !== undefined)
  return Object.fromEntries(ids.map((id) => [id, { error: 'The server is not allowed in this room' }]))
}

function whereUnknown(error: unknown): undefined {
  if (error instanceof MatrixError && error.errcode === 'M_NOT_FOUND') return undefined
  throw error
}
