/** Rights hold whatever way a request takes, and come before any answer that needs no new event. */
import { describe, expect, it } from 'vitest'
import { type Answer, type Body, type Client, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { http, alice, bob, outsider } = serving(['alice', 'bob', 'outsider'])

const FORBIDDEN = { status: 403, body: { errcode: 'M_FORBIDDEN' } }
const room = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`
const later = '/_matrix/client/unstable/org.matrix.msc4140'
let transactions = 0
const txn = () => {
  transactions += 1
  return `r${transactions}`
}

/** A room of Alice's where Bob may send any state, but redact nobody's events. */
async function roomWithHelper(body: Body = {}): Promise<string> {
  const users = { [alice.userId]: 100, [bob.userId]: 40 }
  if (body.room_version === undefined || Number(body.room_version) >= 12) delete users[alice.userId]
  const power_level_content_override = { users, state_default: 40, redact: 90 }
  const roomId = await alice.createRoom({ preset: 'public_chat', power_level_content_override, ...body })
  must(await bob.join(roomId))
  return roomId
}

type Way = (client: Client, roomId: string, redacts: string) => Promise<Answer>

/** Every way in which a client can have a redaction sent. */
const WAYS: Record<string, Way> = {
  redact: (client, roomId, redacts) =>
    client.put(room(roomId, `/redact/${encodeURIComponent(redacts)}/${txn()}`)),
  send: (client, roomId, redacts) => client.put(room(roomId, `/send/m.room.redaction/${txn()}`), { redacts }),
  state: (client, roomId, redacts) => client.put(room(roomId, '/state/m.room.redaction'), { redacts }),
  'state with a key': (client, roomId, redacts) =>
    client.put(room(roomId, `/state/m.room.redaction/${txn()}`), { redacts }),
  'a delayed message': (client, roomId, redacts) => sendLater(client, roomId, { content: { redacts } }),
  'delayed state': (client, roomId, redacts) =>
    sendLater(client, roomId, { state_key: txn(), content: { redacts } }),
}

async function sendLater(client: Client, roomId: string, body: Body): Promise<Answer> {
  const path = `${later}/rooms/${encodeURIComponent(roomId)}/delayed_event/m.room.redaction/${txn()}`
  const scheduled = await client.put(path, { delay_ms: 60_000, ...body })
  if (scheduled.status !== 200) return scheduled
  return client.post(`${later}/delayed_events/${encodeURIComponent(scheduled.body.delay_id)}/send`)
}

describe.each(Object.entries(WAYS))('a redaction by %s', (_, redact) => {
  it.each(['10', '11', '12'])('of another user needs the power to redact in version %s', async (version) => {
    const roomId = await roomWithHelper({ room_version: version })
    const said = await alice.say(roomId, 'stays')
    expect(await redact(bob, roomId, said)).toMatchObject(FORBIDDEN)
    const { body } = must(await alice.get(room(roomId, `/event/${encodeURIComponent(said)}`)))
    expect(body.content.body).toBe('stays')
    must(await redact(alice, roomId, said))
    const { body: gone } = must(await alice.get(room(roomId, `/event/${encodeURIComponent(said)}`)))
    expect(gone.content).toEqual({})
  })

  it('leaves the create event and the list of servers whole, whatever the power of its sender', async () => {
    const acl = { type: 'm.room.server_acl', content: { allow: ['*'], deny: [] } }
    const roomId = await roomWithHelper({ initial_state: [acl] })
    const { body: state } = must(await alice.get(room(roomId, '/state')))
    for (const type of ['m.room.create', 'm.room.server_acl']) {
      const { event_id: target, content } = state.find((event: Body) => event.type === type)
      expect(await redact(alice, roomId, target)).toMatchObject(FORBIDDEN)
      const { body } = must(await alice.get(room(roomId, `/event/${encodeURIComponent(target)}`)))
      expect(body.content).toEqual(content)
    }
  })

  it('of an event of another room is a bad request, and changes nothing', async () => {
    const [here, there] = [await roomWithHelper(), await alice.createRoom()]
    const said = await alice.say(there, 'elsewhere')
    expect(await redact(alice, here, said)).toMatchObject({
      status: 400,
      body: { errcode: 'M_INVALID_PARAM' },
    })
    const { body } = must(await alice.get(room(there, `/event/${encodeURIComponent(said)}`)))
    expect(body.content.body).toBe('elsewhere')
  })
})

describe('a redaction', () => {
  it('cannot be sent with a new room', async () => {
    const there = await alice.createRoom()
    const said = await alice.say(there, 'elsewhere')
    const initial_state = [{ type: 'm.room.redaction', content: { redacts: said } }]
    expect((await bob.post('/createRoom', { initial_state })).status).toBe(400)
    expect((await bob.post('/createRoom', { initial_state, room_version: '10' })).status).toBe(400)
  })

  it('that names no event is refused, whether sent as a message or as state', async () => {
    const roomId = await alice.createRoom()
    for (const path of [`/send/m.room.redaction/${txn()}`, '/state/m.room.redaction']) {
      expect(await alice.put(room(roomId, path), { reason: 'no target' })).toMatchObject({ status: 400 })
    }
  })

  it('of an event that is redacted already is refused to outsiders', async () => {
    const roomId = await roomWithHelper()
    const said = await bob.say(roomId, 'mine')
    must(await WAYS.redact!(bob, roomId, said))
    expect(await WAYS.redact!(outsider, roomId, said)).toMatchObject(FORBIDDEN)
    must(await bob.post(room(roomId, '/leave')))
    expect(await WAYS.redact!(bob, roomId, said)).toMatchObject(FORBIDDEN)
  })
})

describe('an outsider is told the same of every user', () => {
  /** People in each relation to a room that the outsider knows nothing of. */
  async function people(): Promise<{ roomId: string; ids: string[] }> {
    const roomId = await alice.createRoom({ initial_state: [joinRule('knock')] })
    const cast = await Promise.all(
      ['joined', 'invited', 'knocking', 'left', 'banned', 'never'].map((name) =>
        http.register(`${name}-${txn()}`),
      ),
    )
    const [joined, invited, knocking, left, banned] = cast as [Client, Client, Client, Client, Client]
    for (const one of [joined, invited, left]) must(await alice.invite(roomId, one.userId))
    for (const one of [joined, left]) must(await one.join(roomId))
    must(await knocking.post(`/knock/${encodeURIComponent(roomId)}`))
    must(await left.post(room(roomId, '/leave')))
    must(await alice.post(room(roomId, '/ban'), { user_id: banned.userId }))
    return { roomId, ids: cast.map(({ userId }) => userId) }
  }

  it.each(['invite', 'kick', 'ban', 'unban'])('by %s', async (action) => {
    const { roomId, ids } = await people()
    const left = await http.register(`gone-${txn()}`)
    must(await alice.invite(roomId, left.userId))
    must(await left.join(roomId))
    must(await left.post(room(roomId, '/leave')))
    for (const asker of [outsider, left]) {
      const answers = await Promise.all(
        ids.map((user_id) => asker.post(room(roomId, `/${action}`), { user_id })),
      )
      const told = answers.map(({ status, body }) => JSON.stringify([status, body]))
      expect(new Set(told).size, told.join('\n')).toBe(1)
      expect(answers[0]).toMatchObject(FORBIDDEN)
    }
  })
})

const joinRule = (join_rule: string) => ({ type: 'm.room.join_rules', content: { join_rule } })

describe('what stands already', () => {
  it('is refused to its own sender once they have left', async () => {
    const roomId = await roomWithHelper()
    must(await bob.put(room(roomId, '/state/m.room.topic'), { topic: 'mine' }))
    must(await bob.post(room(roomId, '/leave')))
    expect(await bob.put(room(roomId, '/state/m.room.topic'), { topic: 'mine' })).toMatchObject(FORBIDDEN)
  })

  it('is refused to its own sender once they have lost the power for it', async () => {
    const roomId = await roomWithHelper({ room_version: '11' })
    must(await bob.put(room(roomId, '/state/m.room.topic'), { topic: 'mine' }))
    const { body: levels } = must(await alice.get(room(roomId, '/state/m.room.power_levels')))
    must(await alice.put(room(roomId, '/state/m.room.power_levels'), { ...levels, state_default: 100 }))
    expect(await bob.put(room(roomId, '/state/m.room.topic'), { topic: 'mine' })).toMatchObject(FORBIDDEN)
  })

  it('is the same event for its sender, and a new one for another user', async () => {
    const roomId = await roomWithHelper()
    const put = async (client: Client) =>
      must(await client.put(room(roomId, '/state/m.room.topic'), { topic: 'ours' })).body.event_id
    const first = await put(alice)
    expect(await put(alice)).toBe(first)
    const second = await put(bob)
    expect(second).not.toBe(first)
    expect(await put(bob)).toBe(second)
  })

  it('a reaction repeated after leaving is forbidden, and not a duplicate', async () => {
    const roomId = await roomWithHelper()
    const said = await alice.say(roomId, 'like me')
    const content = { 'm.relates_to': { rel_type: 'm.annotation', event_id: said, key: '+' } }
    must(await bob.put(room(roomId, `/send/m.reaction/${txn()}`), content))
    must(await bob.post(room(roomId, '/leave')))
    expect(await bob.put(room(roomId, `/send/m.reaction/${txn()}`), content)).toMatchObject(FORBIDDEN)
  })

  it('a knock repeated where knocking has ended is refused', async () => {
    const roomId = await alice.createRoom({ initial_state: [joinRule('knock')] })
    const knock = () => outsider.post(`/knock/${encodeURIComponent(roomId)}`)
    must(await knock())
    must(await knock())
    must(await alice.put(room(roomId, '/state/m.room.join_rules'), { join_rule: 'invite' }))
    expect(await knock()).toMatchObject(FORBIDDEN)
  })

  it('a ban repeated by the same person is one event, and is refused to others', async () => {
    const roomId = await roomWithHelper()
    const ban = (client: Client, reason?: string) =>
      client.post(room(roomId, '/ban'), { user_id: outsider.userId, reason })
    const current = async () =>
      must(await alice.get(room(roomId, `/state/m.room.member/${outsider.userId}`), { format: 'event' })).body
        .event_id
    must(await ban(alice))
    const first = await current()
    must(await ban(alice))
    expect(await current()).toBe(first)
    must(await ban(alice, 'now I know why'))
    expect(await current()).not.toBe(first)
    expect(await ban(bob)).toMatchObject(FORBIDDEN)
  })

  it('leaving again is answered as done, and leaving a room one was never in is not', async () => {
    const roomId = await roomWithHelper()
    must(await bob.post(room(roomId, '/leave')))
    must(await bob.post(room(roomId, '/leave')))
    expect(await outsider.post(room(roomId, '/leave'))).toMatchObject(FORBIDDEN)
  })
})
