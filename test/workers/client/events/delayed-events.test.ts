/** Delayed events (MSC4140). */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Body, type Client, must, testPassword } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'])
let room: string

beforeAll(async () => {
  room = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(room))
})

const BASE = '/_matrix/client/unstable/org.matrix.msc4140'
const HOUR = 3_600_000
let transactions = 0
const nextTxn = () => {
  transactions += 1
  return `d${transactions}`
}

const at = (rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`
const later = (client: Client, path: string, delay: number | string, body: Body): Promise<Answer> =>
  http.request('PUT', at(path), body, { token: client.token, query: { 'org.matrix.msc4140.delay': delay } })
const message = (client: Client, delay: number | string, text: string, txn = nextTxn()) =>
  later(client, `send/m.room.message/${txn}`, delay, { msgtype: 'm.text', body: text })
const act = (delayId: string, action: string, token?: string) =>
  http.request('POST', `${BASE}/delayed_events/${delayId}/${action}`, {}, { token })
const listOf = async (client: Client): Promise<Body> => must(await client.get(`${BASE}/delayed_events`)).body
const delayed = async (answer: Promise<Answer>): Promise<string> => must(await answer).body.delay_id

async function said(): Promise<string[]> {
  const { chunk } = must(await bob.get(at('messages'), { dir: 'b', limit: 50 })).body
  return chunk.map((event: Body) => event.content.body)
}

describe('a delayed message', () => {
  it('is sent when its time has come, and shows its delay id only to its sender', async () => {
    const id = await delayed(message(alice, 300, 'later'))
    expect(await said()).not.toContain('later')
    await expect.poll(said, { timeout: 5_000 }).toContain('later')
    const find = async (client: Client) => {
      const { chunk } = must(await client.get(at('messages'), { dir: 'b', limit: 50 })).body
      return chunk.find((event: Body) => event.content.body === 'later').unsigned
    }
    expect((await find(alice))['org.matrix.msc4140.delay_id']).toBe(id)
    expect((await find(bob))['org.matrix.msc4140.delay_id']).toBeUndefined()
    const { finalised } = await listOf(alice)
    expect(finalised.find((one: Body) => one.delayed_event.delay_id === id)).toMatchObject({
      outcome: 'send',
      reason: 'delay',
      event_id: expect.stringMatching(/^\$/),
    })
  })

  it('survives the death of the server', async () => {
    await delayed(message(alice, 1_500, 'after a crash'))
    await server.restart()
    await expect.poll(said, { timeout: 15_000 }).toContain('after a crash')
    expect((await said()).filter((body) => body === 'after a crash')).toHaveLength(1)
  })

  it('is the same for the same transaction id', async () => {
    const [first, second] = [
      await delayed(message(alice, HOUR, 'once', 'same')),
      await delayed(message(alice, HOUR, 'once', 'same')),
    ]
    expect(second).toBe(first)
    must(await act(first, 'cancel'))
  })

  it('is found by its transaction id even without a body, and is not made without one', async () => {
    const repeat = (txn: string) =>
      http.request('PUT', at(`send/m.room.message/${txn}`), undefined, {
        token: alice.token,
        query: { 'org.matrix.msc4140.delay': HOUR },
      })
    const first = await delayed(message(alice, HOUR, 'once', 'bare'))
    expect(must(await repeat('bare')).body).toEqual({ delay_id: first })
    must(await act(first, 'cancel'))
    expect(must(await repeat('bare')).body).toEqual({ delay_id: first })
    expect(await repeat(nextTxn())).toMatchObject({ status: 400, body: { errcode: 'M_NOT_JSON' } })
    expect((await listOf(alice)).scheduled).toEqual([])
  })

  it('is refused with an invalid or too long delay, and outside the room', async () => {
    expect((await message(alice, 'soon', 'x')).status).toBe(400)
    expect((await message(alice, -5, 'x')).status).toBe(400)
    expect(await message(alice, 25 * HOUR, 'x')).toMatchObject({
      status: 400,
      body: {
        'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED',
        'org.matrix.msc4140.max_delay': 24 * HOUR,
      },
    })
    const stranger = await http.register('stranger')
    expect((await message(stranger, HOUR, 'x')).status).toBe(403)
  })

  it.each([{ n: 2 ** 53 }, { n: -(2 ** 53) }, { deep: [{ n: 2 ** 60 }] }, { text: '\ud800' }])(
    'is refused at once with what no event may hold: %j',
    async (content) => {
      const path = `send/m.room.message/${nextTxn()}`
      expect(await later(alice, path, HOUR, content)).toMatchObject({
        status: 400,
        body: { errcode: 'M_BAD_JSON' },
      })
    },
  )

  it('is one of a hundred at most', async () => {
    const carol = await http.register('carol')
    must(await carol.join(room))
    for (let i = 0; i < 100; i += 1) must(await message(carol, HOUR, `${i}`))
    expect((await message(carol, HOUR, 'one more')).body['org.matrix.msc4140.errcode']).toBe(
      'M_MAX_DELAYED_EVENTS_EXCEEDED',
    )
    expect((await listOf(carol)).scheduled).toHaveLength(100)
  })

  it('takes its share of what the list can show, and frees it once cancelled', async () => {
    const writer = await http.register('writer')
    must(await writer.join(room))
    const long = () => message(writer, HOUR, 'x'.repeat(60_000))
    const first = await delayed(long())
    for (let i = 0; i < 3; i += 1) must(await long())
    const refused = await long()
    expect([refused.status, refused.body['org.matrix.msc4140.errcode']]).toEqual([
      400,
      'M_MAX_DELAYED_EVENTS_EXCEEDED',
    ])
    must(await message(writer, HOUR, 'a short one'))
    must(await act(first, 'cancel'))
    must(await long())
    const { scheduled, finalised } = await listOf(writer)
    expect([scheduled.length, finalised.length]).toEqual([5, 1])
  })

  it('is in a list that shows all waiting events, however many are over', async () => {
    const caller = await http.register('caller')
    must(await caller.join(room))
    const waiting = await delayed(message(caller, HOUR, 'waits'))
    for (let i = 0; i < 310; i += 1) must(await act(await delayed(message(caller, HOUR, 'over')), 'cancel'))
    const { scheduled, finalised } = await listOf(caller)
    expect(scheduled.map((event: Body) => event.delay_id)).toEqual([waiting])
    expect(finalised).toHaveLength(299)
  })
})

describe('managing one', () => {
  it('cancels, sends and restarts, each once', async () => {
    const cancelled = await delayed(message(alice, HOUR, 'cancelled'))
    must(await act(cancelled, 'cancel', alice.token))
    must(await act(cancelled, 'cancel', alice.token))
    expect((await act(cancelled, 'send', alice.token)).status).toBe(409)
    expect((await act(cancelled, 'restart', alice.token)).status).toBe(409)
    const sent = await delayed(message(alice, HOUR, 'sent at once'))
    must(await act(sent, 'send'))
    must(await act(sent, 'send'))
    expect((await said()).filter((body) => body === 'sent at once')).toHaveLength(1)
    expect(await said()).not.toContain('cancelled')
  })

  it('restarts the time', async () => {
    const id = await delayed(message(alice, 3_000, 'put off'))
    await delayed(message(alice, 3_000, 'due before the new start is over'))
    must(await act(id, 'restart'))
    await expect.poll(said, { timeout: 15_000 }).toContain('put off')
    expect((await said()).slice(0, 2)).toEqual(['put off', 'due before the new start is over'])
  })

  it('takes the action in the body too', async () => {
    const id = await delayed(message(alice, HOUR, 'in the body'))
    must(await http.request('POST', `${BASE}/delayed_events/${id}`, { action: 'send' }))
    expect(await said()).toContain('in the body')
    expect((await http.request('POST', `${BASE}/delayed_events/${id}`, { action: 'jump' })).status).toBe(400)
    expect((await act(id, 'jump')).body.errcode).toBe('M_UNRECOGNIZED')
  })

  it('is for its owner, or for a request that has its id and no token', async () => {
    const id = await delayed(message(alice, HOUR, 'mine'))
    expect((await act(id, 'cancel', bob.token)).status).toBe(404)
    expect((await bob.get(`${BASE}/delayed_events/${id}`)).status).toBe(404)
    expect(must(await alice.get(`${BASE}/delayed_events/${id}`)).body).toMatchObject({
      delay_id: id,
      room_id: room,
      type: 'm.room.message',
      delay: HOUR,
      content: { body: 'mine' },
    })
    expect((await listOf(bob)).scheduled).toEqual([])
    must(await act(id, 'cancel'))
  })

  it.each(['nonsense', 'a.b', `x.${Buffer.from('!none:test.example').toString('base64url')}`])(
    'knows nothing of %s',
    async (id) => {
      for (const action of ['send', 'cancel', 'restart']) expect((await act(id, action)).status).toBe(404)
    },
  )
})

describe('a delayed state event', () => {
  const topic = async () => must(await bob.get(at('state/m.room.topic'))).body.topic

  it('takes its place in the state', async () => {
    await delayed(later(alice, 'state/m.room.topic', 200, { topic: 'by and by' }))
    await expect
      .poll(async () => (await bob.get(at('state/m.room.topic'))).body.topic, { timeout: 5_000 })
      .toBe('by and by')
  })

  it('needs its power when it is sent', async () => {
    const id = await delayed(later(bob, 'state/m.room.topic', HOUR, { topic: 'not allowed' }))
    expect((await act(id, 'send', bob.token)).body.errcode).toBe('M_FORBIDDEN')
    expect(await topic()).not.toBe('not allowed')
    expect(must(await bob.get(`${BASE}/delayed_events/${id}`)).body).toMatchObject({
      outcome: 'cancel',
      reason: 'error',
      error: { errcode: 'M_FORBIDDEN' },
    })
    // It was not cancelled by anybody, nor sent.
    for (const action of ['cancel', 'send']) expect((await act(id, action, bob.token)).status).toBe(409)
  })

  it('gives way to state that another user sets, but not to state that its sender sets', async () => {
    const shared = await alice.createRoom({
      preset: 'public_chat',
      room_version: '11',
      power_level_content_override: { users: { [alice.userId]: 100, [bob.userId]: 50 } },
    })
    must(await bob.join(shared))
    const outer = room
    room = shared
    try {
      const own = await delayed(later(alice, 'state/org.example.s', HOUR, { by: 'alice, later' }))
      must(await alice.put(at('state/org.example.s'), { by: 'alice' }))
      expect(must(await alice.get(`${BASE}/delayed_events/${own}`)).body.outcome).toBeUndefined()
      must(await bob.put(at('state/org.example.s'), { by: 'bob' }))
      expect(must(await alice.get(`${BASE}/delayed_events/${own}`)).body.outcome).toBe('cancel')
    } finally {
      room = outer
    }
  })

  it('may be asked for by the newer endpoint', async () => {
    const path = `${BASE}${at('delayed_event/org.example.s/n1')}`
    const body = { delay_ms: HOUR, state_key: 'k', content: { x: 1 } }
    const id = must(await http.request('PUT', path, body, { token: alice.token })).body.delay_id
    must(await act(id, 'send'))
    expect(must(await bob.get(at('state/org.example.s/k'))).body).toEqual({ x: 1 })
  })
})

describe('a delayed event of a user who may send nothing any more', () => {
  it('is not sent while its sender is suspended, by time or by request', async () => {
    const muted = await http.register('muted')
    const admin = await http.register('admin')
    await server.pg("update accounts set admin = true where localpart = 'admin'")
    must(await muted.join(room))
    const soon = await delayed(message(muted, 600, 'silenced'))
    const byHand = await delayed(message(muted, HOUR, 'silenced by hand'))
    must(await admin.put(`/_matrix/client/v1/admin/suspend/${muted.userId}`, { suspended: true }))
    expect((await act(byHand, 'send')).body.errcode).toBe('M_USER_SUSPENDED')
    const ended = { outcome: 'cancel', reason: 'error', error: { errcode: 'M_USER_SUSPENDED' } }
    const get = async (id: string) => must(await muted.get(`${BASE}/delayed_events/${id}`)).body
    await expect.poll(() => get(soon), { timeout: 5_000 }).toMatchObject(ended)
    expect(await get(byHand)).toMatchObject(ended)
    expect((await said()).join()).not.toContain('silenced')
  })

  it('does not bring back a user that deactivated their account', async () => {
    const gone = await http.register('gone')
    must(await gone.join(room))
    await delayed(later(gone, `state/m.room.member/${gone.userId}`, 3_000, { membership: 'join' }))
    await delayed(message(alice, 3_000, 'due after that'))
    const auth = { type: 'm.login.password', user: 'gone', password: testPassword }
    must(await gone.post('/account/deactivate', { auth }))
    const membership = async () =>
      must(await alice.get(at(`state/m.room.member/${gone.userId}`))).body.membership
    await expect.poll(membership, { timeout: 5_000 }).toBe('leave')
    await expect.poll(said, { timeout: 15_000 }).toContain('due after that')
    expect(await membership()).toBe('leave')
  })
})

it('is in the capabilities and the versions', async () => {
  const { capabilities } = must(await alice.get('/capabilities')).body
  expect(capabilities['org.matrix.msc4140.delayed_events']).toEqual({
    max_delay_ms: 24 * HOUR,
    max_scheduled: 100,
  })
  const versions = must(await http.request('GET', '/_matrix/client/versions')).body
  expect(versions.unstable_features['org.matrix.msc4140']).toBe(true)
})
