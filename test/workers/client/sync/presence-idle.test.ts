/** A user that is idle does not look: presence alone ends none of their polls, and none of it is lost. */
import { beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type Body, type Client, must } from '../../../support/client.ts'
import { settled, waitingPoll } from '../../../support/faults.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http } = serving([], {
  staysAwake: 'counts what was told, which an eviction would tell again',
})
let idle: Client
let others: Client[]
let room: string
let since: string
let registered = 0

/** Enough that their presence does not fit beside a poll. */
const CROWD = 9

beforeEach(async () => {
  registered += 1
  idle = await http.register(`idle${registered}`)
  room = await idle.createRoom({ preset: 'public_chat' })
  others = []
  for (let n = 0; n < CROWD; n += 1) {
    const other = await http.register(`other${registered}x${n}`)
    must(await other.join(room))
    others.push(other)
  }
  must(await idle.sync())
  await setTo(idle, 'unavailable')
  await settled(http)
  since = must(await idle.sync({ set_presence: 'unavailable' })).body.next_batch
})

const setTo = async (client: Client, presence: string) =>
  must(await client.put(`/presence/${encodeURIComponent(client.userId)}/status`, { presence }))

const poll = (token = since) => waitingPoll(http, idle, { since: token, set_presence: 'unavailable' })

const told = (body: Body): Record<string, string> =>
  Object.fromEntries(
    (body.presence?.events ?? []).map(({ sender, content }: Body) => [sender, content.presence]),
  )

const timeline = (body: Body): string[] =>
  (body.rooms?.join?.[room]?.timeline.events ?? []).map(({ event_id }: Body) => event_id)

/** What the poll's answer shows once something loud has come: were it answered before, it would not show that. */
async function withNextMessage(answer: Promise<Answer>): Promise<Body> {
  const eventId = await others[0]!.say(room, 'look here')
  const { body } = must(await answer)
  expect(timeline(body)).toEqual([eventId])
  return body
}

describe('the presence of others', () => {
  it('waits for a message, if the user is idle', async () => {
    const { answer } = await poll()
    await setTo(others[1]!, 'online')
    await settled(http)
    expect(told(await withNextMessage(answer))).toMatchObject({ [others[1]!.userId]: 'online' })
  })

  it('is told as it is by then, once', async () => {
    const { answer } = await poll()
    for (const presence of ['online', 'unavailable', 'online', 'offline']) await setTo(others[1]!, presence)
    await settled(http)
    const body = await withNextMessage(answer)
    expect(told(body)).toMatchObject({ [others[1]!.userId]: 'offline' })
    const { answer: next } = await poll(body.next_batch)
    expect(told(await withNextMessage(next))).not.toHaveProperty([others[1]!.userId])
  })

  it('waits through an eviction', async () => {
    const { answer } = await poll()
    await setTo(others[1]!, 'online')
    await settled(http)
    await server.evict('USER', objectName.user(server.serverName, idle.userId))
    expect(told(await withNextMessage(answer))).toMatchObject({ [others[1]!.userId]: 'online' })
  })

  it('is told at once when the user comes back', async () => {
    const { answer } = await poll()
    await setTo(others[1]!, 'online')
    await settled(http)
    await setTo(idle, 'online')
    expect(told(must(await answer).body)).toMatchObject({
      [others[1]!.userId]: 'online',
      [idle.userId]: 'online',
    })
  })

  it('is told by the poll that begins after it has waited for long', async () => {
    const { answer } = await poll()
    await setTo(others[1]!, 'online')
    await settled(http)
    const { body } = { body: await withNextMessage(answer) }
    const { answer: second } = await poll(body.next_batch)
    await setTo(others[2]!, 'online')
    await settled(http)
    const fault = { name: 'presence:left-alone', count: 1, key: idle.userId }
    must(await http.request('POST', '/_selvedge/test/faults', fault))
    const third = must(
      await idle.sync({ since: body.next_batch, set_presence: 'unavailable', timeout: 20_000 }),
    )
    expect(told(third.body)).toMatchObject({ [others[2]!.userId]: 'online' })
    await withNextMessage(second)
  })

  it('costs no call where they are idle too, and is told when the user comes back', async () => {
    const other = others[1]!
    const { answer } = await poll()
    await setTo(other, 'online')
    await settled(http)
    const calls = async () =>
      must(await http.request('GET', '/_selvedge/test/calls')).body['user.hearPresences']
    const before = await calls()
    await setTo(other, 'unavailable')
    await settled(http)
    expect((await calls()) - before).toBe(0)
    await setTo(idle, 'online')
    const { next_batch } = must(await answer).body
    await settled(http)
    const { body } = must(await idle.sync({ since: next_batch }))
    expect(told(body)).toMatchObject({ [other.userId]: 'unavailable' })
  })

  it('of more users than a poll keeps is told at once', async () => {
    const { answer } = await poll()
    for (const other of others) await setTo(other, 'online')
    const { body } = must(await answer)
    expect(timeline(body)).toEqual([])
    expect(Object.keys(told(body)).length).toBeGreaterThan(2)
  })

  it('does not wait for a user that looks', async () => {
    await setTo(idle, 'online')
    await settled(http)
    const { body } = must(await idle.sync({ since }))
    const { answer } = await waitingPoll(http, idle, { since: body.next_batch })
    await setTo(others[1]!, 'online')
    expect(told(must(await answer).body)).toMatchObject({ [others[1]!.userId]: 'online' })
  })
})
