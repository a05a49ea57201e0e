/** Push gateways that fail, hang, refuse or are down for long: what they are told, and when. */
import { describe, expect, it } from 'vitest'
import { type Body, must } from '../../../support/client.ts'
import { soon, teaRoom } from './tea-room.ts'

const { gateway, server, alice, bob, here, inRoom, inUser, set, ofEvents, bodies, events, ignore } = teaRoom()

/** The events that Alice's pusher has not been told of. */
const queued = async () => {
  const rows = await inUser("SELECT notification FROM push_queue WHERE notification != '' ORDER BY seq")
  return rows.map((row) => JSON.parse(String(row.notification)).event_id)
}

describe('a gateway', () => {
  it('that fails or redirects is asked again, in order', async () => {
    await set()
    gateway.answer(here.pushkey, { status: 500 }, { status: 302 }, { status: 200 })
    await bob.say(here.room, 'one')
    await bob.say(here.room, 'two')
    await expect.poll(bodies, soon).toEqual(['one', 'one', 'one', 'two'])
  })

  it('that fails is asked again after twice as long, and no sooner for new messages', async () => {
    await set()
    gateway.answer(here.pushkey, { status: 500 })
    const retry = async (failures: number): Promise<number> => {
      const query = `SELECT retry_at FROM push_retries WHERE failures = ${failures}`
      let rows: Body[] = []
      await expect.poll(async () => (rows = await inUser(query)), { ...soon, interval: 10 }).toHaveLength(1)
      return rows[0]!.retry_at
    }
    await bob.say(here.room, 'one')
    const [second, third] = [await retry(2), await retry(3)]
    // The third try was made at `second` or later, and the fourth is four seconds after it.
    expect(third - second).toBeGreaterThanOrEqual(4_000)
    for (const text of ['two', 'three', 'four']) await bob.say(here.room, text)
    await expect.poll(queued, soon).toHaveLength(4)
    gateway.answer(here.pushkey, { status: 200 })
    await expect.poll(() => bodies().slice(3), soon).toEqual(['one', 'two', 'three', 'four'])
    expect(gateway.arrival(ofEvents()[3]!)).toBeGreaterThanOrEqual(third)
  })

  it('is asked again after the end of the process', async () => {
    await set()
    gateway.answer(here.pushkey, { status: 500 }, { status: 200 })
    await bob.say(here.room, 'kept')
    await expect.poll(bodies, soon).toEqual(['kept'])
    await server.restart()
    // Where the process ended before it had the answer, the queue is looked at again after 20 s.
    await expect.poll(bodies, { timeout: 40_000 }).toEqual(['kept', 'kept'])
  }, 120_000)

  it('that rejects the pushkey ends the pusher', async () => {
    await set()
    gateway.answer(here.pushkey, { status: 200, body: { rejected: [here.pushkey] } })
    await bob.say(here.room, 'last')
    await expect.poll(async () => must(await alice.get('/pushers')).body.pushers, soon).toEqual([])
    const members = () => inRoom('SELECT user_id FROM push_members')
    await expect.poll(members, soon).toEqual([])
    expect(bodies()).toEqual(['last'])
  })
})

describe('a gateway that hangs', () => {
  it('holds up nothing else that the user’s object has to do', async () => {
    await set()
    gateway.answer(here.pushkey, { status: 'never' })
    const eventId = await bob.say(here.room, 'to nobody')
    await expect.poll(events, soon).toEqual([eventId])
    must(await alice.put(`/user/${encodeURIComponent(alice.userId)}/account_data/org.example`, { a: 1 }))
    const archived = () =>
      server.pg("select 1 from user_records where user_id = $1 and kind = 'account_data'", [alice.userId])
    // Sooner than the gateway is given up.
    await expect.poll(archived, { timeout: 9_000 }).toHaveLength(1)
    gateway.answer(here.pushkey, { status: 200 })
    await expect.poll(events, { timeout: 25_000 }).toEqual([eventId, eventId])
  }, 120_000)
})

describe('a gateway that is down', () => {
  it('is told the newest 200 when it is back, and nothing that waited for a day', async () => {
    await set()
    gateway.answer(here.pushkey, { status: 500 })
    const sent: string[] = []
    for (let n = 0; n < 205; n += 1) sent.push(await bob.say(here.room, `${n}`))
    await expect.poll(async () => (await queued()).at(-1), soon).toBe(sent.at(-1))
    expect(await queued()).toEqual(sent.slice(-200))
    await inUser(
      `UPDATE push_queue SET queued_ts = queued_ts - 86400000 WHERE notification NOT LIKE '%${sent.at(-1)}%'`,
    )
    const tried = events().length
    gateway.answer(here.pushkey, { status: 200 })
    await expect.poll(queued, soon).toEqual([])
    expect(new Set(events().slice(tried))).toEqual(new Set([sent.at(-1)]))
  }, 120_000)

  it('is not told of an event that was redacted meanwhile, and no word of it stays behind', async () => {
    await set()
    gateway.answer(here.pushkey, { status: 500 })
    const first = await bob.say(here.room, 'first-word')
    const eventId = await bob.say(here.room, 'word-that-is-taken-back')
    const path = `/rooms/${encodeURIComponent(here.room)}/redact/${encodeURIComponent(eventId)}/r1`
    await expect.poll(queued, soon).toEqual([first, eventId])
    must(await bob.put(path, {}))
    await expect.poll(queued, soon).toEqual([first])
    gateway.answer(here.pushkey, { status: 200 })
    await expect.poll(events, soon).toContain(first)
    expect(events()).not.toContain(eventId)
  })
  it.each<[string, () => Promise<unknown>]>([
    ['in a room that was left since', () => alice.post(`/rooms/${encodeURIComponent(here.room)}/leave`)],
    ['by somebody who is ignored since', () => ignore(bob.userId)],
  ])('is not told of what was said %s', async (_, change) => {
    await set()
    gateway.answer(here.pushkey, { status: 500 })
    await bob.say(here.room, 'said before')
    await expect.poll(queued, soon).toHaveLength(1)
    await change()
    await expect.poll(queued, soon).toEqual([])
  })
})
