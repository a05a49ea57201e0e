/** What all rows share: a figure of a piece of work, a room with a user of the resident, and waiting for what is to be seen. */
import type { JsonObject } from '../../src/protocol/events/canonical-json.ts'
import type { BuiltEvent } from '../../src/protocol/events/event-builder.ts'
import { call, readSync, register, type Session, syncPath, uniqueMarker } from '../client.ts'
import { pause } from '../measure.ts'
import type { Graph } from './graph.ts'
import type { Resident } from './resident.ts'
import { joinThere, publicRoom, userOf } from './rooms.ts'
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

export const CLIENT = '/_matrix/client/v3'
const LIMIT_MS = 240_000
const STEP_MS = 20

export async function timed(server: Measured, work: () => Promise<void>): Promise<Figure> {
  const [processor, start] = [server.processorMs(), performance.now()]
  await work()
  return { ms: performance.now() - start, processorMs: server.processorMs() - processor }
}

export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + LIMIT_MS
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${LIMIT_MS / 1_000} s`)
    await pause(STEP_MS)
  }
}

/** A room of the server with one user of the resident in it. */
export async function shared({
  server,
  resident,
}: Meeting): Promise<{ user: Session; talker: string; graph: Graph }> {
  const user = await register(server.http)
  const roomId = await publicRoom(user)
  const talker = userOf(resident, `talker-${uniqueMarker()}`)
  return { user, talker, graph: await joinThere(resident, server.name, { roomId, userId: talker }) }
}

export async function transact({ server, resident }: Meeting, events: readonly BuiltEvent[]): Promise<void> {
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

export async function untilSeen(user: Session, since: string, marker: string): Promise<void> {
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

/** The user joins the resident's room by the client's call. */
export async function joinThrough(
  { server, resident }: Meeting,
  { token }: Session,
  { roomId }: Graph,
): Promise<void> {
  const path = `${CLIENT}/join/${encodeURIComponent(roomId)}?via=${resident.name}&server_name=${resident.name}`
  await call(server.http, 'POST', path, token, {})
}
