/** Joins of large rooms, and messages that come in. */
import { call, register, syncNow, uniqueMarker } from '../client.ts'
import type { Graph } from './graph.ts'
import {
  CLIENT,
  type Figure,
  joinThrough,
  type Meeting,
  shared,
  timed,
  transact,
  until,
  untilSeen,
} from './work.ts'

const A_TRANSACTION = 50

/** From the client's call until its answer; and until the server tells all members. */
export async function joins(
  meeting: Meeting,
  graph: Graph,
  members: number,
): Promise<{ answer: Figure; whole: Figure }> {
  const { server } = meeting
  const user = await register(server.http)
  const answer = await timed(server, () => joinThrough(meeting, user, graph))
  const rest = await timed(server, () =>
    until('the members', async () => {
      const listed = `${CLIENT}/rooms/${encodeURIComponent(graph.roomId)}/joined_members`
      const { joined } = await call<{ joined: object }>(server.http, 'GET', listed, user.token)
      return Object.keys(joined).length === members + 2
    }),
  )
  const whole = { ms: answer.ms + rest.ms, processorMs: answer.processorMs + rest.processorMs }
  return { answer, whole }
}

/** Transactions of 50 messages, one after the other, until the last message is in a waiting sync. */
export async function inbound(meeting: Meeting, count: number): Promise<Figure> {
  const { user, talker, graph } = await shared(meeting)
  const marker = uniqueMarker()
  const events = Array.from({ length: count }, (_, index) =>
    graph.say(talker, index === count - 1 ? marker : `message ${index}`),
  )
  const { nextBatch } = await syncNow(user)
  return timed(meeting.server, async () => {
    const seen = untilSeen(user, nextBatch, marker)
    for (let from = 0; from < count; from += A_TRANSACTION)
      await transact(meeting, events.slice(from, from + A_TRANSACTION))
    await seen
  })
}
