/** Another server of a room, as far as a Room's needs go: it has all events and gives them in any order. */
import type { Need, ReceiveAnswer, Supplied } from '../../../src/objects/room/federation.ts'
import type { Random } from '../../fuzz/random.ts'
import type { Dag } from '../resolution/dag.ts'
import { type NodeRoom, received } from './node-room.ts'

export interface Habits {
  random: Random
  /** How many events behind a missing one are given at once. */
  most: number
  /** Whether it answers states where what is missing behind an event was asked for. */
  answersMissing: boolean
}

/** Delivers events until the room needs nothing more. Answers what became of them. */
export function deliver(
  room: NodeRoom,
  dag: Dag,
  eventIds: readonly string[],
  habits: Habits,
): ReceiveAnswer['done'] {
  const done: ReceiveAnswer['done'] = {}
  const asked = new Set<string>()
  let events = eventIds
  let supplied: Supplied = {}
  for (let round = 0; ; round++) {
    if (round > 500) throw new Error('the room never has enough')
    const answer = room.receive(
      events.map((eventId) => received(dag.events.get(eventId)!)),
      supplied,
    )
    Object.assign(done, answer.done)
    if (answer.needs.length === 0 && !answer.more) return done
    events = []
    const states = (supplied.states ?? []).filter(({ eventId }) => done[eventId] === undefined)
    supplied = { events: [], states, asked: [...asked] }
    for (const need of answer.needs) supply(dag, need, supplied, asked, habits)
    supplied.asked = [...asked]
  }
}

function supply(dag: Dag, need: Need, supplied: Supplied, asked: Set<string>, habits: Habits): void {
  const give = (eventId: string) => supplied.events?.push(received(dag.events.get(eventId)!))
  if (need.kind === 'events') for (const eventId of need.eventIds) give(eventId)
  else if (need.kind === 'state') supplied.states?.push(stateBefore(dag, need.eventId))
  else if (habits.answersMissing) for (const eventId of behind(dag, need, habits)) give(eventId)
  else for (const eventId of need.latest) asked.add(eventId)
}

function stateBefore(dag: Dag, eventId: string): NonNullable<Supplied['states']>[number] {
  const { pdu } = dag.events.get(eventId)!
  const pduIds = [...dag.afterAll(pdu.prev_events).values()]
  return { eventId, pduIds, authChainIds: [] }
}

function behind(dag: Dag, need: Need & { kind: 'missing' }, { most, random }: Habits): string[] {
  const given = new Set<string>()
  const open = need.latest.flatMap((eventId) => dag.events.get(eventId)!.pdu.prev_events)
  while (open.length > 0 && given.size < most) {
    const eventId = open.splice(random.below(open.length), 1)[0]!
    if (given.has(eventId) || need.earliest.includes(eventId) || eventId === dag.createId) continue
    given.add(eventId)
    open.push(...dag.events.get(eventId)!.pdu.prev_events)
  }
  return [...given]
}
