/** A user that is idle does not look: receipts and typing alone end none of their polls, and none is lost (decision 35). */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type Body, type Client, must } from '../../../support/client.ts'
import { planFault, settled, waitingPoll, waitingRequest } from '../../../support/faults.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'
import { openStream } from '../../../support/stream.ts'
import { connection } from './sliding/connection.ts'

const { server, http } = serving([], {
  staysAwake: 'waits for what is told later, which an eviction may tell at once',
})
const enc = encodeURIComponent
let idle: Client
let other: Client
let room: string
let event: string
let since: string
let registered = 0

beforeEach(async () => {
  registered += 1
  idle = await http.register(`idle${registered}`)
  other = await http.register(`other${registered}`)
  room = await idle.createRoom({ preset: 'public_chat' })
  must(await other.join(room))
  event = await idle.say(room, 'read me')
  must(await other.sync())
  must(await idle.sync())
  since = await place('unavailable')
})

/** Where the user stands once everything is told that came from saying this of themselves. */
async function place(set_presence: string): Promise<string> {
  const { body } = must(await idle.sync({ set_presence }))
  await settled(http)
  return must(await idle.sync({ since: body.next_batch, set_presence })).body.next_batch
}

const poll = (token = since, set_presence = 'unavailable') =>
  waitingPoll(http, idle, { since: token, set_presence })
const evict = () => server.evict('USER', objectName.user(server.serverName, idle.userId))

/** The other one has read, and the room has told what it tells of that. */
async function read(eventId = event): Promise<void> {
  must(await other.post(`/rooms/${enc(room)}/receipt/m.read/${enc(eventId)}`))
  await settled(http)
}

async function type(typing: boolean): Promise<void> {
  must(await other.put(`/rooms/${enc(room)}/typing/${enc(other.userId)}`, { typing, timeout: 30_000 }))
  await settled(http)
}

const passing = (body: Body, wanted: string): Body[] =>
  (body.rooms?.join?.[room]?.ephemeral?.events ?? [])
    .filter(({ type: of }: Body) => of === wanted)
    .map(({ content }: Body) => content)
const readers = (body: Body): string[] =>
  passing(body, 'm.receipt').flatMap((content) => Object.keys(content[event]?.['m.read'] ?? {}))
const typists = (body: Body): string[][] => passing(body, 'm.typing').map(({ user_ids }) => user_ids)
const timeline = (body: Body): string[] =>
  (body.rooms?.join?.[room]?.timeline.events ?? []).map(({ event_id }: Body) => event_id)

/** What the poll's answer shows once a message has come: were it answered before, it would not show that. */
async function withNextMessage(answer: Promise<Answer>): Promise<Body> {
  const eventId = await other.say(room, 'look here')
  const { body } = must(await answer)
  expect(timeline(body)).toEqual([eventId])
  return body
}

describe('a receipt, for a user that is idle,', () => {
  it('waits for a message', async () => {
    const { answer } = await poll()
    await read()
    expect(readers(await withNextMessage(answer))).toEqual([other.userId])
  })

  it('waits for polls that come after', async () => {
    await poll()
    await read()
    const { answer } = await poll()
    expect(readers(await withNextMessage(answer))).toEqual([other.userId])
  })

  it('waits for news of another room', async () => {
    const { answer } = await poll()
    await read()
    await idle.createRoom({ preset: 'private_chat' })
    expect(readers(must(await answer).body)).toEqual([other.userId])
  })

  it('is told once', async () => {
    const { answer } = await poll()
    await read()
    const { next_batch } = await withNextMessage(answer)
    const { answer: next } = await poll(next_batch)
    expect(readers(await withNextMessage(next))).toEqual([])
  })

  it('is told at once when the user says so', async () => {
    const { answer } = await poll()
    await read()
    must(await idle.put(`/presence/${enc(idle.userId)}/status`, { presence: 'online' }))
    expect(readers(must(await answer).body)).toEqual([other.userId])
  })

  it('is told at once when a poll says that the user is there', async () => {
    const { answer } = await poll()
    await read()
    const { body } = must(await idle.sync({ since, set_presence: 'online', timeout: 20_000 }))
    expect(readers(body)).toEqual([other.userId])
    expect(readers(must(await answer).body)).toEqual([other.userId])
  })

  it('is told at once when the user does something', async () => {
    const { answer } = await poll()
    await read()
    must(await idle.put(`/rooms/${enc(room)}/typing/${enc(idle.userId)}`, { typing: true, timeout: 9_000 }))
    expect(readers(must(await answer).body)).toEqual([other.userId])
  })

  it('is told to a client that does not wait', async () => {
    await poll()
    await read()
    const { body } = must(await idle.sync({ since, set_presence: 'unavailable' }))
    expect(readers(body)).toEqual([other.userId])
  })

  it('is told by the poll that begins after it has waited for long', async () => {
    await poll()
    await read()
    await planFault(http, `sync:left-alone:${idle.userId}`)
    const { body } = must(await idle.sync({ since, set_presence: 'unavailable', timeout: 20_000 }))
    expect(readers(body)).toEqual([other.userId])
  })

  it('waits in sliding sync as well', async () => {
    const sliding = connection(http, idle)
    const lists = { all: { ranges: [[0, 9]], timeline_limit: 1, required_state: [] } }
    const asked = { lists, extensions: { receipts: { enabled: true } } }
    await sliding.ask(asked, { set_presence: 'unavailable' })
    await settled(http)
    await sliding.ask(asked, { set_presence: 'unavailable' })
    const wait = () => sliding.lose(asked, { set_presence: 'unavailable', timeout: 20_000 })
    const { answer } = await waitingRequest(http, idle, wait)
    await read()
    const eventId = await other.say(room, 'look here')
    const { body } = must(await answer)
    expect(body.rooms[room].timeline.map(({ event_id }: Body) => event_id)).toEqual([eventId])
    expect(body.extensions.receipts.rooms[room].content[event]['m.read']).toHaveProperty([other.userId])
  })
})

describe('what waits is not lost', () => {
  it('when the object leaves the memory while a poll waits', async () => {
    const { answer } = await poll()
    await read()
    await evict()
    await settled(http)
    expect(readers(await withNextMessage(answer))).toEqual([other.userId])
  })

  it('when the user is back after that', async () => {
    const { answer } = await poll()
    await read()
    await evict()
    must(await idle.put(`/presence/${enc(idle.userId)}/status`, { presence: 'online' }))
    expect(readers(must(await answer).body)).toEqual([other.userId])
  })

  it('when the object leaves the memory and no poll waits any more', async () => {
    const controller = new AbortController()
    const { answer } = await waitingRequest(http, idle, () =>
      idle
        .sync({ since, set_presence: 'unavailable', timeout: 20_000 }, controller.signal)
        .catch(() => undefined),
    )
    await read()
    controller.abort()
    await answer
    await server.restart()
    const { body } = must(await idle.sync({ since, set_presence: 'unavailable', timeout: 20_000 }))
    expect(readers(body)).toEqual([other.userId])
  })
})

describe('typing, for a user that is idle,', () => {
  it('waits for the message', async () => {
    const { answer } = await poll()
    await type(true)
    await type(false)
    expect(typists(await withNextMessage(answer))).toEqual([[]])
  })

  it('is told to have ended at once, if the client was told that it began', async () => {
    const { answer } = await poll()
    await type(true)
    const { next_batch } = await withNextMessage(answer)
    const { answer: next } = await poll(next_batch)
    await type(false)
    const { body } = must(await next)
    expect(typists(body)).toEqual([[]])
    expect(timeline(body)).toEqual([])
  })
})

describe('a receipt is told as ever', () => {
  it('to a user that looks', async () => {
    since = await place('online')
    const { answer } = await poll(since, 'online')
    await read()
    expect(readers(must(await answer).body)).toEqual([other.userId])
  })

  it('to a user that chose to be shown as away', async () => {
    must(await idle.put(`/presence/${enc(idle.userId)}/status`, { presence: 'unavailable' }))
    await settled(http)
    const { answer } = await poll(
      must(await idle.sync({ since, set_presence: 'unavailable' })).body.next_batch,
    )
    await read()
    expect(readers(must(await answer).body)).toEqual([other.userId])
  })

  it('on a stream', async () => {
    const stream = await openStream(server, idle, { since, query: { set_presence: 'unavailable' } })
    await read()
    await stream.next(({ body }) => body !== undefined && readers(body).includes(other.userId))
    await stream.close()
  })

  it('to a user of whom no client says anything', async () => {
    const bot = await http.register(`bot${registered}`)
    must(await bot.join(room))
    const { body } = must(await bot.sync({ set_presence: 'offline' }))
    await settled(http)
    const from = must(await bot.sync({ since: body.next_batch, set_presence: 'offline' })).body.next_batch
    const { answer } = await waitingPoll(http, bot, { since: from, set_presence: 'offline' })
    await read()
    expect(readers(must(await answer).body)).toEqual([other.userId])
  })
})
