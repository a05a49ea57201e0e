/** A fork of a large room, between two branches of state events. */
import type { BuiltEvent } from '../../src/protocol/events/event-builder.ts'
import { register, type Session, syncNow, uniqueMarker } from '../client.ts'
import type { Graph, State } from './graph.ts'
import { largeRoom, memberOf, userOf } from './rooms.ts'
import { type Figure, joinThrough, type Meeting, timed, transact, untilSeen } from './work.ts'

/** On each branch, beside new power levels. */
const MEMBERS = 29
const SETTINGS = 20

/** Two branches of 50 state events each over one room, and a message on both, until the message is in a waiting sync. */
export async function fork(meeting: Meeting, members: number): Promise<Figure> {
  const { server, resident } = meeting
  const graph = largeRoom(resident, members)
  const user = await register(server.http)
  await joinThrough(meeting, user, graph)
  const creator = userOf(resident, 'creator')
  const start = { heads: graph.heads, state: new Map(graph.state) }
  const bans = branch(graph, start, { creator, redact: 51 }, (index) =>
    graph.member(memberOf(resident, index), { membership: 'ban' }, creator),
  )
  const renames = branch(graph, start, { creator, redact: 52 }, (index) =>
    graph.member(memberOf(resident, index), { membership: 'join', displayname: `renamed ${index}` }),
  )
  graph.standOn(
    [bans, renames].map((events) => events.at(-1)!.eventId),
    graph.state,
  )
  const marker = uniqueMarker()
  return untilTold(meeting, user, { marker, transactions: [bans, renames, [graph.say(creator, marker)]] })
}

function branch(
  graph: Graph,
  start: { heads: string[]; state: State },
  { creator, redact }: { creator: string; redact: number },
  member: (index: number) => BuiltEvent,
): BuiltEvent[] {
  graph.standOn(start.heads, start.state)
  const change = (type: string, stateKey: string, content: { redact: number }) =>
    graph.add({ type, sender: creator, stateKey, content })
  const levels = { users: { [creator]: 100 }, state_default: 50, redact }
  const events = [change('m.room.power_levels', '', levels)]
  for (let index = 0; index < MEMBERS; index += 1) events.push(member(index))
  for (let index = 0; index < SETTINGS; index += 1)
    events.push(change('org.example.setting', `${index}`, { redact }))
  return events
}

async function untilTold(
  meeting: Meeting,
  user: Session,
  { marker, transactions }: { marker: string; transactions: BuiltEvent[][] },
): Promise<Figure> {
  const { nextBatch } = await syncNow(user)
  return timed(meeting.server, async () => {
    const seen = untilSeen(user, nextBatch, marker)
    for (const events of transactions) await transact(meeting, events)
    await seen
  })
}
