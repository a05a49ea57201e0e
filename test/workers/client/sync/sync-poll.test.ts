/** The long poll as the Worker holds it: its time, its parameters, and the User object going away under it. */
import { describe, expect, it } from 'vitest'
import { type Answer, must, silence } from '../../../support/client.ts'
import { waitingPoll } from '../../../support/faults.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice } = serving(['alice'])

const data = (type: string) => `/user/${encodeURIComponent(alice.userId)}/account_data/${type}`

describe('a poll', () => {
  it('answers at once without a token, whatever the timeout', async () => {
    // Longer than a test may take.
    must(await alice.sync({ timeout: 120_000 }))
  })

  it('answers at once without a timeout', async () => {
    const { next_batch: since } = (await alice.sync()).body
    for (const timeout of [0, undefined]) {
      const { body } = must(await alice.sync({ since, timeout }))
      expect(body).toEqual(silence(body.next_batch))
    }
  })

  it('that finds nothing ends with only the token, when its time is over', async () => {
    const { next_batch: since } = (await alice.sync()).body
    const { answer } = await waitingPoll(http, alice, { since, timeout: 400 })
    const { body } = await answer
    expect(body).toEqual(silence(body.next_batch))
  })

  it('leaves no socket behind', async () => {
    const { next_batch: since } = (await alice.sync()).body
    await alice.sync({ since, timeout: 100 })
    const { next_batch: again } = (await alice.sync({ since, timeout: 100 })).body
    await alice.put(data('org.example.after'), {})
    const { body } = await alice.sync({ since: again, timeout: 10_000 })
    expect(body.account_data.events).toEqual([{ type: 'org.example.after', content: {} }])
  })

  it('survives the eviction of the User object', async () => {
    const { next_batch: since } = (await alice.sync()).body
    const { answer: waiting } = await waitingPoll(http, alice, { since })
    await server.evict('USER', objectName.user(server.serverName, alice.userId))
    await alice.put(data('org.example.evicted'), { n: 1 })
    const { body } = await waiting
    expect(body.account_data.events).toEqual([{ type: 'org.example.evicted', content: { n: 1 } }])
  })

  it('asks again when the User object dies under it', async () => {
    const { next_batch: since } = (await alice.sync()).body
    const { answer: waiting } = await waitingPoll(http, alice, { since })
    await http.request('POST', '/_selvedge/test/faults', { name: 'user:abort-after-commit', count: 1 })
    await alice.put(data('org.example.aborted'), { n: 2 })
    const { body } = must(await waiting)
    expect(body.account_data.events).toEqual([{ type: 'org.example.aborted', content: { n: 2 } }])
  })
})

describe('the fourth poll of a device', () => {
  it('ends the oldest without news, and the three younger ones go on waiting', async () => {
    const { next_batch: since } = (await alice.sync()).body
    const polls: Promise<Answer>[] = []
    for (let n = 0; n < 4; n += 1) polls.push((await waitingPoll(http, alice, { since })).answer)
    const [oldest, ...younger] = polls as [Promise<Answer>, ...Promise<Answer>[]]
    expect(must(await oldest).body).toEqual(silence(since))
    await alice.put(data('org.example.younger'), { n: 3 })
    for (const { body } of await Promise.all(younger)) {
      expect(body.account_data.events).toEqual([{ type: 'org.example.younger', content: { n: 3 } }])
    }
  })

  it('ends no poll of another device', async () => {
    const phone = await http.login('alice')
    // That its user is online is news too, after an eviction.
    const filter = JSON.stringify({ presence: { types: [] } })
    const { next_batch: since } = (await phone.sync({ filter })).body
    const { answer } = await waitingPoll(http, phone, { since, filter })
    const { next_batch: own } = (await alice.sync()).body
    const polls: Promise<Answer>[] = []
    for (let n = 0; n < 4; n += 1) polls.push((await waitingPoll(http, alice, { since: own })).answer)
    must(await polls[0]!)
    await alice.put(data('org.example.apart'), {})
    expect((await answer).body.account_data.events).toEqual([{ type: 'org.example.apart', content: {} }])
    await Promise.all(polls)
  })
})

describe('parameters', () => {
  it.each([
    [{ timeout: 'long' }],
    [{ timeout: -1 }],
    [{ full_state: 'yes' }],
    [{ set_presence: 'away' }],
    [{ since: 'rubbish' }],
  ])('refuses %j', async (query) => {
    const { status, body } = await alice.sync(query)
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
  })

  it.each(['use_state_after', 'org.matrix.msc4222.use_state_after'])('knows %s', async (name) => {
    const roomId = await alice.createRoom()
    const { body } = await alice.sync({ [name]: true })
    const room = body.rooms.join[roomId]
    expect(room).not.toHaveProperty('state')
    expect(room.state_after ?? room['org.matrix.msc4222.state_after']).toHaveProperty('events')
  })

  it('refuse a token whose session is over', async () => {
    const phone = await http.login('alice')
    await phone.post('/logout')
    const { status, body } = await phone.sync()
    expect([status, body.errcode]).toEqual([401, 'M_UNKNOWN_TOKEN'])
  })
})
