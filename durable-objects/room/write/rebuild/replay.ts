/** What the archive has of a room in the order of positions: its events, and where its state moved by none of them. */
import type { ArchivedEvent, ArchiveReader } from '../../../../src/ports/archive.ts'
import type { IdentifiedPdu, Pdu } from '../../../../src/protocol/events/event.ts'
import { type Extremity, extremitiesAfter } from '../../../../src/protocol/events/extremities.ts'
import type { RoomWriter } from '../../context.ts'
import { FLAGS, verdictOf } from '../../rows/events/flags.ts'
import { noteBranch } from '../../rows/federation/state-groups.ts'
import { identifiedEvent } from '../../rows/federation/states.ts'
import type { StateMove } from '../../rows/state/moves.ts'
import { changeState, type Placement, placeEvent, type StateChange } from '../place.ts'

/** Events at once: with 64 KiB each, a few megabytes. */
const EVENTS = 50
/** Moves at once: a join of a large room brings tens of thousands. */
const MOVES = 500

/** How far a replay has come. */
export interface ReplayCursor {
  /** The position of the last event. */
  after: number
  /** The key of the last move. */
  moved: string
}

interface MoveStep {
  move: StateMove
  key: string
  /** The event that moved into the state, as JSON, where its own place is further on: it was an outlier then. */
  pdu?: string | undefined
}
type Step = { event: ArchivedEvent } | MoveStep

export class Replay {
  readonly #reader: ArchiveReader
  readonly #roomId: string
  readonly #cursor: ReplayCursor
  readonly #events: ArchivedEvent[] = []
  readonly #moves: MoveStep[] = []
  #hasEvents = true
  #hasMoves = true

  constructor(reader: ArchiveReader, roomId: string, { after, moved }: ReplayCursor) {
    this.#reader = reader
    this.#roomId = roomId
    this.#cursor = { after, moved }
  }

  /**
   * As much as is placed in one transaction; none at the end.
   * @param isThere whether an event has come back already
   */
  async next(isThere: (eventId: string) => boolean): Promise<Step[]> {
    await this.#read()
    const steps = this.#take()
    const came = new Set<string>()
    for (const step of steps) {
      if ('event' in step) came.add(step.event.eventId)
      else if (step.move.eventId !== null && !came.has(step.move.eventId) && !isThere(step.move.eventId))
        step.pdu = await this.#reader.event(step.move.eventId)
    }
    return steps
  }

  #take(): Step[] {
    const steps: Step[] = []
    while (steps.length < MOVES) {
      const step = this.#nextStep()
      if (step !== undefined) steps.push(step)
      // What was read of one of the two has come to its end: the other may not go beyond it.
      if (step === undefined || this.#isShort()) return steps
    }
    return steps
  }

  async #read(): Promise<void> {
    const { after, moved } = this.#cursor
    if (this.#hasEvents && this.#events.length === 0) {
      const events = await this.#reader.roomEvents(this.#roomId, after, EVENTS)
      this.#events.push(...events)
      this.#hasEvents = events.length === EVENTS
      this.#cursor.after = events.at(-1)?.pos ?? after
    }
    if (this.#hasMoves && this.#moves.length === 0) {
      const records = await this.#reader.roomRecords(this.#roomId, 'move', moved, MOVES)
      this.#moves.push(...records.map(({ key, body }) => ({ key, move: JSON.parse(body) as StateMove })))
      this.#hasMoves = records.length === MOVES
      this.#cursor.moved = records.at(-1)?.key ?? moved
    }
  }

  #isShort(): boolean {
    const isOut = (has: boolean, read: readonly unknown[]) => has && read.length === 0
    return isOut(this.#hasEvents, this.#events) || isOut(this.#hasMoves, this.#moves)
  }

  /** An event comes before what moved at its position. */
  #nextStep(): Step | undefined {
    const [event, move] = [this.#events[0], this.#moves[0]]
    if (event === undefined || (move !== undefined && move.move.at < event.pos)) return this.#moves.shift()
    this.#events.shift()
    return { event }
  }
}

/** The forward extremities as the archive was told of them, and up to which position they are those. */
export interface ToldExtremities {
  upTo: number
  extremities: Extremity[]
}

/** What has come back so far. */
export interface Replayed extends ReplayCursor {
  events: number
  extremities: readonly Extremity[]
}

/** Puts back a part of the room, inside the caller's transaction. */
export function replaySteps(
  room: RoomWriter,
  before: Replayed,
  steps: readonly Step[],
  told: ToldExtremities | undefined,
): Replayed {
  let replayed = before
  for (const step of steps) {
    if ('event' in step) {
      const { event } = step
      const extremities = replayEvent(room, event, replayed.extremities, told)
      replayed = { ...replayed, after: event.pos, events: replayed.events + 1, extremities }
    } else {
      replayMove(room, step)
      replayed = { ...replayed, moved: step.key }
    }
  }
  return replayed
}

/** Answers the forward extremities after it. */
function replayEvent(
  room: RoomWriter,
  { eventId, pdu: json, pos, txn, inState, flags, around }: ArchivedEvent,
  extremities: readonly Extremity[],
  told: ToldExtremities | undefined,
): readonly Extremity[] {
  const pdu = JSON.parse(json) as Pdu
  const event = { eventId, pdu, json }
  const isInState = pdu.state_key !== undefined && inState && flags === FLAGS.accepted
  const delta: StateChange[] = isInState ? [[pdu.type, pdu.state_key ?? '', event]] : []
  if (around !== undefined) noteBranch(room.store.sql)
  placeEvent(room, event, {
    pos,
    txn,
    verdict: verdictOf(flags),
    delta,
    isNew: false,
    ...(around !== undefined && { around: placesOf(around) }),
  })
  if (flags !== FLAGS.accepted) return extremities
  return told !== undefined && pos <= told.upTo ? told.extremities : extremitiesAfter(extremities, event)
}

function placesOf({ pos, before, after }: NonNullable<ArchivedEvent['around']>): Placement['around'] {
  return { before: { pos, group: before }, after: { pos, group: after } }
}

function replayMove(room: RoomWriter, { move, pdu }: MoveStep): void {
  const { at, type, stateKey, eventId, causeId } = move
  const event = eventId === null ? null : movedEvent(room, eventId, pdu)
  if (event === undefined) return
  changeState(room, [[type, stateKey, event]], { pos: at, cause: { eventId: causeId, pdu: { sender: '' } } })
}

function movedEvent(
  { store }: RoomWriter,
  eventId: string,
  pdu: string | undefined,
): IdentifiedPdu | undefined {
  if (pdu === undefined) return identifiedEvent(store.sql, eventId)
  return { eventId, pdu: JSON.parse(pdu) as Pdu }
}
