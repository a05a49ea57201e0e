/** Redactions: who may, what is left, and that nothing is left where nobody looks. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'])

const room = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`
let transactions = 0
const redact = (client: Client, roomId: string, eventId: string, body: Body = {}, txnId?: string) => {
  transactions += 1
  const id = encodeURIComponent(eventId)
  return client.put(room(roomId, `/redact/${id}/${txnId ?? `x${transactions}`}`), body)
}
const event = async (client: Client, roomId: string, eventId: string): Promise<Body> =>
  must(await client.get(room(roomId, `/event/${encodeURIComponent(eventId)}`))).body

async function sharedRoom(body: Body = {}): Promise<string> {
  const roomId = await alice.createRoom({ preset: 'public_chat', ...body })
  must(await bob.join(roomId))
  return roomId
}

describe.each(['10', '11', '12'])('in room version %s', (room_version) => {
  it('a redaction strips the event and names itself', async () => {
    const roomId = await sharedRoom({ room_version })
    const said = await bob.say(roomId, 'regret')
    const redaction = must(await redact(bob, roomId, said, { reason: 'mine' })).body.event_id
    const shown = await event(alice, roomId, said)
    expect(shown.content).toEqual({})
    expect(shown.unsigned.redacted_because).toMatchObject({
      event_id: redaction,
      redacts: said,
      content: { reason: 'mine', redacts: said },
    })
    expect(await event(alice, roomId, redaction)).toMatchObject({ redacts: said, content: { redacts: said } })
    const [pdu] = await server.sql(
      'ROOM',
      objectName.room(server.serverName, roomId),
      `SELECT pdu FROM events WHERE event_id = '${redaction}'`,
    )
    const { redacts, content } = JSON.parse(String(pdu?.pdu))
    expect([redacts, content.redacts]).toEqual(room_version === '10' ? [said, undefined] : [undefined, said])
  })

  it('the events of others need the power to redact', async () => {
    const roomId = await sharedRoom({ room_version })
    const said = await alice.say(roomId, 'stays')
    expect(await redact(bob, roomId, said)).toMatchObject({ status: 403, body: { errcode: 'M_FORBIDDEN' } })
    expect((await event(bob, roomId, said)).content.body).toBe('stays')
    const theirs = await bob.say(roomId, 'goes')
    must(await redact(alice, roomId, theirs))
    expect((await event(bob, roomId, theirs)).content).toEqual({})
  })

  it('administrators of the server can redact what its users have sent', async () => {
    const roomId = await sharedRoom({ room_version })
    const warden = await http.register(`warden${room_version}`)
    const said = await alice.say(roomId, 'against the rules')
    await server.pg('update accounts set admin = true where localpart = $1', [`warden${room_version}`])
    expect((await redact(warden, roomId, said)).status).toBe(403)
    must(await warden.join(roomId))
    must(await redact(warden, roomId, said))
    expect((await event(bob, roomId, said)).content).toEqual({})
  })

  it('nobody with less than the level for redactions can redact', async () => {
    const roomId = await sharedRoom({
      room_version,
      power_level_content_override: { events: { 'm.room.redaction': 50 } },
    })
    const own = await bob.say(roomId, 'mine')
    expect((await redact(bob, roomId, own)).status).toBe(403)
  })
})

describe('/redact', () => {
  it.each(['m.room.create', 'm.room.server_acl'])('refuses to take %s from a room', async (type) => {
    const roomId = await sharedRoom({
      room_version: '10',
      initial_state: [{ type: 'm.room.server_acl', content: { allow: ['*'] } }],
    })
    const before = must(await alice.get(room(roomId, `/state/${type}`), { format: 'event' })).body
    expect(await redact(alice, roomId, before.event_id)).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN' },
    })
    expect((await event(alice, roomId, before.event_id)).content).toEqual(before.content)
  })

  it('is made once for each transaction id of its own path', async () => {
    const roomId = await sharedRoom()
    const [first, second] = [await bob.say(roomId, 'one', 'same'), await bob.say(roomId, 'two')]
    const once = must(await redact(bob, roomId, first, {}, 'same')).body.event_id
    expect(must(await redact(bob, roomId, first, {}, 'same')).body.event_id).toBe(once)
    const other = must(await redact(bob, roomId, second, {}, 'same')).body.event_id
    const sent = must(await bob.put(room(roomId, '/send/m.room.redaction/same'), { redacts: second })).body
      .event_id
    expect(new Set([first, once, other, sent]).size).toBe(4)
    const shown = await event(bob, roomId, once)
    expect(shown.unsigned.transaction_id).toBe('same')
  })

  it('takes no transaction id by POST', async () => {
    const roomId = await sharedRoom()
    const said = await bob.say(roomId, 'gone')
    must(await bob.post(room(roomId, `/redact/${encodeURIComponent(said)}`), { reason: 'r' }))
    expect((await event(bob, roomId, said)).content).toEqual({})
  })

  it('also redacts what relates to the event, as far as the sender may', async () => {
    const roomId = await sharedRoom()
    const root = await bob.say(roomId, 'root')
    const relate = async (client: Client, relType: string) => {
      const relation = { 'm.relates_to': { rel_type: relType, event_id: root } }
      transactions += 1
      const path = room(roomId, `/send/m.room.message/w${transactions}`)
      return must(await client.put(path, { msgtype: 'm.text', body: 'child', ...relation })).body.event_id
    }
    const [own, others, reference] = [
      await relate(bob, 'm.thread'),
      await relate(alice, 'm.thread'),
      await relate(bob, 'm.reference'),
    ]
    must(await redact(bob, roomId, root, { 'org.matrix.msc3912.with_relations': ['m.thread'] }))
    const bodies = async () =>
      Promise.all(
        [root, own, others, reference].map(async (id) => (await event(bob, roomId, id)).content.body),
      )
    expect(await bodies()).toEqual([undefined, undefined, 'child', 'child'])
    must(await redact(alice, roomId, root, { 'org.matrix.msc3912.with_relations': ['*'] }))
    expect(await bodies()).toEqual([undefined, undefined, undefined, undefined])
  })

  it('checks its body and its path', async () => {
    const roomId = await sharedRoom()
    const said = await bob.say(roomId, 'here')
    expect((await redact(bob, roomId, said, { reason: 5 })).body.errcode).toBe('M_BAD_JSON')
    expect((await redact(bob, roomId, 'nonsense')).status).toBe(400)
    expect((await redact(bob, '!nowhere:test.example', said)).status).toBe(404)
    const elsewhere = await sharedRoom()
    expect((await redact(bob, elsewhere, said)).status).toBe(400)
  })
})

describe('a redacted text', () => {
  const secret = 'a-secret-that-nobody-else-ever-writes'

  const filesWith = (text: string): string[] =>
    globSync('**/*.sqlite*', { cwd: server.folder }).filter((path) =>
      readFileSync(join(server.folder, path)).includes(text),
    )

  const archived = async (text: string) =>
    server.pg('select event_id from events where pdu like $1', [`%${text}%`])

  it('is found nowhere: not in the files, nor in the archive, nor in any answer', async () => {
    const roomId = await sharedRoom()
    const since = must(await bob.sync()).body.next_batch
    const short = await alice.say(roomId, secret)
    const long = await alice.say(roomId, `${secret} ${'and much more '.repeat(1_000)}`)
    const topic = must(await alice.put(room(roomId, '/state/m.room.topic/'), { topic: secret })).body.event_id
    must(await alice.put(room(roomId, '/state/m.room.topic/'), { topic: 'harmless' }))
    must(await bob.sync({ since }))
    await expect.poll(() => archived(secret), { timeout: 15_000 }).toHaveLength(3)
    for (const eventId of [short, long, topic]) must(await redact(alice, roomId, eventId))
    await expect.poll(() => archived(secret), { timeout: 15_000 }).toEqual([])
    for (const path of ['/messages?dir=b&limit=50', '/state']) {
      expect(JSON.stringify(must(await bob.get(room(roomId, path))).body)).not.toContain(secret)
    }
    for (const query of [{ since }, {}]) {
      expect(JSON.stringify(must(await bob.sync(query)).body)).not.toContain(secret)
    }
    await server.restart()
    must(await bob.sync())
    const name = objectName.room(server.serverName, roomId)
    await expect.poll(() => server.sql('ROOM', name, 'SELECT 1 FROM log'), { timeout: 20_000 }).toEqual([])
    await server.evict('ROOM', name)
    expect(filesWith(secret)).toEqual([])
    const kept = await alice.say(roomId, 'a-text-that-stays')
    expect(kept).toMatch(/^\$/)
    expect(filesWith('a-text-that-stays')).not.toEqual([])
  })
})
