/** What one side has missed: until it has all of it. */
import type { JsonObject } from '../../src/protocol/events/canonical-json.ts'
import { call, type Session, send } from '../client.ts'
import type { Graph } from './graph.ts'
import { CLIENT, type Figure, type Meeting, shared, timed, transact, until } from './work.ts'

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
  const caught = new Caught(graph, user.userId)
  resident.on('PUT', '/_matrix/federation/v1/send/', ({ body }) => {
    caught.take(body.pdus as JsonObject[])
    return '{"pdus":{}}'
  })
  await resident.stop()
  for (let index = 0; index < count; index += 1) await send(user, graph.roomId)
  await resident.start()
  return timed(server, async () => {
    await transact(meeting, [graph.say(talker, 'back again')])
    await until('what the resident missed', async () => {
      const missing = caught.missing()
      if (missing !== undefined) {
        const path = `/_matrix/federation/v1/backfill/${encodeURIComponent(graph.roomId)}`
        const uri = `${path}?limit=100&v=${encodeURIComponent(missing)}`
        caught.take((await resident.ask<{ pdus: JsonObject[] }>(server.name, 'GET', uri)).pdus)
      }
      return caught.messages >= count
    })
  })
}

/** What the resident has of the room since it is back. */
class Caught {
  messages = 0
  readonly #graph: Graph
  readonly #sender: string
  readonly #prev = new Map<string, string[]>()

  constructor(graph: Graph, sender: string) {
    this.#graph = graph
    this.#sender = sender
  }

  take(pdus: readonly JsonObject[]): void {
    for (const pdu of pdus) {
      const eventId = this.#graph.learnAside(pdu)
      if (pdu.room_id !== this.#graph.roomId || this.#prev.has(eventId)) continue
      this.#prev.set(eventId, pdu.prev_events as string[])
      if (pdu.type === 'm.room.message' && pdu.sender === this.#sender) this.messages += 1
    }
  }

  /** An event that others follow on, and that is not there. */
  missing(): string | undefined {
    return [...this.#prev.values()].flat().find((eventId) => !this.#prev.has(eventId))
  }
}
