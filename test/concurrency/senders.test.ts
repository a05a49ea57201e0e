/** Many who talk at once, and several who listen: one order for all, without a gap or a repetition. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, api, type Body, type Client, must } from '../support/client.ts'
import { startServer, type TestServer } from '../support/server.ts'

const SENDERS = 8
const RECEIVERS = 3
const EACH = 40

let server: TestServer
let http: Api
let senders: Client[]
let receivers: Client[]
let roomId: string

beforeAll(async () => {
  server = await startServer()
  http = api(server)
  senders = await people('sender', SENDERS)
  receivers = await people('receiver', RECEIVERS)
  roomId = await senders[0]!.createRoom({ preset: 'public_chat' })
  for (const one of [...senders.slice(1), ...receivers]) must(await one.join(roomId))
})
afterAll(() => server?.stop())

async function people(name: string, count: number): Promise<Client[]> {
  const clients: Client[] = []
  for (let i = 0; i < count; i += 1) clients.push(await http.register(`${name}${i}`))
  return clients
}

const messagesPath = () => `/rooms/${encodeURIComponent(roomId)}/messages`
const filter = JSON.stringify({ room: { timeline: { limit: 1000, types: ['m.room.message'] } } })

/** Polls from a token until `count` messages have come; answers them in their order. */
async function listen(client: Client, from: string, count: number): Promise<Body[]> {
  const heard: Body[] = []
  for (let since = from; heard.length < count; ) {
    const { body } = must(await client.sync({ since, filter, timeout: 10_000 }))
    const timeline = body.rooms?.join?.[roomId]?.timeline
    expect(timeline?.limited ?? false).toBe(false)
    heard.push(...(timeline?.events ?? []))
    since = body.next_batch
  }
  return heard
}

async function talk(client: Client, count: number): Promise<string[]> {
  const ids: string[] = []
  for (let i = 0; i < count; i += 1) ids.push(await client.say(roomId, `${client.userId} ${i}`))
  return ids
}

/** All messages of the room by pages. */
async function pages(client: Client, dir: 'f' | 'b', limit: number): Promise<string[]> {
  const ids: string[] = []
  let from: string | undefined
  do {
    const { body } = must(await client.get(messagesPath(), { dir, limit, from }))
    const said = body.chunk.filter((event: Body) => event.type === 'm.room.message')
    ids.push(...said.map((event: Body) => event.event_id))
    from = body.end
  } while (from !== undefined)
  return ids
}

const idsOf = (events: Body[]) => events.map((event) => event.event_id)

describe('eight senders and three receivers', () => {
  let sent: string[][]
  let heard: Body[][]

  beforeAll(async () => {
    const starts = await Promise.all(
      receivers.map(async (one) => (await one.sync({ filter })).body.next_batch as string),
    )
    const listening = Promise.all(receivers.map((one, i) => listen(one, starts[i]!, SENDERS * EACH)))
    sent = await Promise.all(senders.map((one) => talk(one, EACH)))
    heard = await listening
  })

  it('lose nothing and hear nothing twice', () => {
    for (const events of heard) expect(idsOf(events).toSorted()).toEqual(sent.flat().toSorted())
  })

  it('hear the same order', () => {
    for (const events of heard) expect(idsOf(events)).toEqual(idsOf(heard[0]!))
  })

  it("keep each sender's own order", () => {
    for (const [i, { userId }] of senders.entries()) {
      expect(idsOf(heard[0]!.filter(({ sender }) => sender === userId))).toEqual(sent[i])
    }
  })

  it.each(['f', 'b'] as const)('hear what the history says, read by pages (%s)', async (dir) => {
    const ids = await pages(receivers[0]!, dir, 17)
    expect(dir === 'f' ? ids : ids.reverse()).toEqual(idsOf(heard[0]!))
  })

  it('hear what a sync from the beginning tells', async () => {
    const { body } = must(await receivers[1]!.sync({ filter }))
    expect(idsOf(body.rooms.join[roomId].timeline.events)).toEqual(idsOf(heard[0]!))
  })
})

describe('the same transaction ten times at once', () => {
  it('is one event', async () => {
    const [one] = senders
    const ids = await Promise.all(Array.from({ length: 10 }, () => one!.say(roomId, 'once', 'the-same')))
    expect(new Set(ids).size).toBe(1)
    const { body } = must(await one!.get(messagesPath(), { dir: 'b', limit: 20 }))
    expect(body.chunk.filter((event: Body) => event.content.body === 'once')).toHaveLength(1)
  })
})
