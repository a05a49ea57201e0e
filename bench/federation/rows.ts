/** What is measured of one server, each the same work for all of them. */
import type { JsonObject } from '../../src/protocol/events/canonical-json.ts'
import type { BuiltEvent } from '../../src/protocol/events/event-builder.ts'
import { call, readSync, register, type Session, send, syncNow, syncPath, uniqueMarker } from '../client.ts'
import { pause } from '../measure.ts'
import type { Graph } from './graph.ts'
import type { Resident } from './resident.ts'
import { joinThere, largeRoom, memberOf, publicRoom, userOf } from './rooms.ts'
import type { Measured } from './servers.ts'

/** A figure of one run: wall time, and what the server's processes took of it. */
export interface Figure {
  ms: number
  processorMs: number
}

export interface Meeting {
  server: Measured
  resident: Resident
}

const CLIENT = '/_matrix/client/v3'
const A_TRANSACTION = 50
const LIMIT_MS = 240_000
const STEP_MS = 20

async function timed(server: Measured, work: () => Promise<void>): Promise<Figure> {
  const [processor, start] = [server.processorMs(), performance.now()]
  await work()
  return { ms: performance.now() - start, processorMs: server.processorMs() - processor }
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + LIMIT_MS
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${LIMIT_MS / 1_000} s`)
    await pause(STEP_MS)
  }
}

/** From the client's call until its answer; and until the server tells all members. */
export async function joins(
  { server, resident }: Meeting,
  graph: Graph,
  members: number,
): Promise<{ answer: Figure; whole: Figure }> {
  const user = await register(server.http)
  const path = `${CLIENT}/join/${encodeURIComponent(graph.roomId)}?via=${resident.name}&server_name=${resident.name}`
  const answer = await timed(server, () => call(server.http, 'POST', path, user.token, {}))
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

/** A room of the server with one user of the resident in it. */
async function shared({
  server,
  resident,
}: Meeting): Promise<{ user: Session; talker: string; graph: Graph }> {
  const user = await register(server.http)
  const roomId = await publicRoom(user)
  const talker = userOf(resident, `talker-${uniqueMarker()}`)
  return { user, talker, graph: await joinThere(resident, server.name, { roomId, userId: talker }) }
}

async function transact({ server, resident }: Meeting, events: readonly BuiltEvent[]): Promise<void> {
  const body = {
    origin: resident.name,
    origin_server_ts: Date.now(),
    pdus: events.map(({ pdu }) => pdu),
  } as unknown as JsonObject
  const uri = `/_matrix/federation/v1/send/${uniqueMarker()}`
  const { pdus } = await resident.ask<{ pdus: Record<string, { error?: string }> }>(
    server.name,
    'PUT',
    uri,
    body,
  )
  const refused = Object.values(pdus).find(({ error }) => error !== undefined)
  if (refused !== undefined) throw new Error(`${server.title} refuses an event: ${refused.error}`)
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

async function untilSeen(user: Session, since: string, marker: string): Promise<void> {
  const ask = async (from: string) => {
    const reply = await user.http.request('GET', syncPath(from, 10_000), user.token)
    return readSync(reply.status, reply.body)
  }
  const end = performance.now() + LIMIT_MS
  for (let from = since; performance.now() < end; ) {
    const answer = await ask(from)
    if (answer.text.includes(marker)) return
    from = answer.nextBatch
  }
  throw new Error('the message did not come by sync')
}

/** The resident has said so much while it was cut off, and sends the newest event alone; the user reads all of it. */
export async function catchUpIn(meeting: Meeting, count: number): Promise<Figure> {
  const { user, talker, graph } = await shared(meeting)
  const events = Array.from({ length: count }, (_, index) => graph.say(talker, `missed ${index}`))
  return timed(meeting.server, async () => {
    await transact(meeting, events.slice(-1))
    await until('the missed messages', async () => (await missedRead(user, graph.roomId)) === count)
  })
}

async function missedRead({ http, token }: Session, roomId: string): Promise<number> {
  let count = 0
  for (let from = ''; ; ) {
    const path = `${CLIENT}/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=100${from}`
    const page = await call<{ chunk: { content: { body?: string } }[]; end?: string }>(
      http,
      'GET',
      path,
      token,
    )
    count += page.chunk.filter(({ content }) => content.body?.startsWith('missed ')).length
    if (page.end === undefined || page.chunk.length === 0) return count
    from = `&from=${encodeURIComponent(page.end)}`
  }
}

/** The user has said so much while the resident was away. It comes back, says something, and asks for what it lacks. */
export async function catchUpOut(meeting: Meeting, count: number): Promise<Figure> {
  const { server, resident } = meeting
  const { user, talker, graph } = await shared(meeting)
  const got = new Map<string, { prev: string[]; isMissed: boolean }>()
  const take = (pdus: readonly JsonObject[]) => {
    for (const pdu of pdus) {
      if (pdu.room_id !== graph.roomId) continue
      const body = (pdu.content as JsonObject).body
      const isMissed = typeof body === 'string' && body.startsWith('m') && pdu.sender === user.userId
      got.set(graph.learnAside(pdu), { prev: pdu.prev_events as string[], isMissed })
    }
  }
  resident.on('PUT', '/_matrix/federation/v1/send/', ({ body }) => {
    take(body.pdus as JsonObject[])
    return '{"pdus":{}}'
  })
  await resident.stop()
  for (let index = 0; index < count; index += 1) await send(user, graph.roomId)
  const counted = () => [...got.values()].filter(({ isMissed }) => isMissed).length
  await resident.start()
  return timed(server, async () => {
    await transact(meeting, [graph.say(talker, 'back again')])
    await until('what the resident missed', async () => {
      const open = [...got.values()].flatMap(({ prev }) => prev).filter((id) => !got.has(id))
      const [newest] = open
      if (newest !== undefined) {
        const path = `/_matrix/federation/v1/backfill/${encodeURIComponent(graph.roomId)}`
        const uri = `${path}?limit=100&v=${encodeURIComponent(newest)}`
        take((await resident.ask<{ pdus: JsonObject[] }>(server.name, 'GET', uri)).pdus)
      }
      return counted() >= count
    })
  })
}

/** Two branches of 50 state events each over one room, and a message on both, until the message is in a waiting sync. */
export async function fork({ server, resident }: Meeting, members: number): Promise<Figure> {
  const graph = largeRoom(resident, members)
  const creator = userOf(resident, 'creator')
  const user = await register(server.http)
  const path = `${CLIENT}/join/${encodeURIComponent(graph.roomId)}?via=${resident.name}&server_name=${resident.name}`
  let mine: unknown
  const room = encodeURIComponent(graph.roomId)
  resident.on('PUT', `/_matrix/federation/v2/send_join/${room}/`, ({ body }) => {
    mine = body
    return JSON.stringify({
      state: graph.statePdus(),
      auth_chain: graph.statePdus(),
      members_omitted: false,
      event: body,
    })
  })
  await call(server.http, 'POST', path, user.token, {})
  graph.learn(mine as Parameters<Graph['learn']>[0])
  const [heads, state] = [graph.heads, new Map(graph.state)]
  const branch = (
    redact: number,
    member: (index: number) => BuiltEvent,
  ): { events: BuiltEvent[]; head: string } => {
    graph.standOn(heads, state)
    const levels = { users: { [creator]: 100 }, state_default: 50, redact }
    const events = [
      graph.add({ type: 'm.room.power_levels', sender: creator, stateKey: '', content: levels }),
    ]
    for (let index = 0; index < 29; index += 1) events.push(member(index))
    for (let index = 0; index < 20; index += 1)
      events.push(
        graph.add({
          type: 'org.example.setting',
          sender: creator,
          stateKey: `${index}`,
          content: { redact },
        }),
      )
    return { events, head: graph.heads[0]! }
  }
  const bans = branch(51, (index) => graph.member(memberOf(resident, index), { membership: 'ban' }, creator))
  const renames = branch(52, (index) =>
    graph.member(memberOf(resident, index), { membership: 'join', displayname: `renamed ${index}` }),
  )
  const marker = uniqueMarker()
  graph.standOn([bans.head, renames.head], graph.state)
  const message = graph.say(creator, marker)
  const { nextBatch } = await syncNow(user)
  return timed(server, async () => {
    const seen = untilSeen(user, nextBatch, marker)
    for (const events of [bans.events, renames.events, [message]])
      await transact({ server, resident }, events)
    await seen
  })
}
