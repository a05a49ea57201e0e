/** Rooms wiped and made again from Postgres alone; people go on talking. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Body, must, proof } from '../../support/client.ts'
import { makeDevice } from '../../support/keys.ts'
import { archived, at, bodies, history, rebuild, wipeAndRebuildRoom } from '../../support/rebuild.ts'
import { objectName } from '../../support/server.ts'
import { serving } from '../../support/serving.ts'

const { server, http, someone, alice, bob } = serving(['alice', 'bob'])

describe.each(['10', '11', '12'])('a rebuilt room of version %s', (version) => {
  let room: string
  beforeAll(async () => {
    room = await alice.createRoom({ preset: 'public_chat', room_version: version, name: 'Old' })
    must(await bob.join(room))
    await alice.say(room, 'one')
  })

  it('shows what it showed before, and goes on', async () => {
    must(await alice.put(at(room, 'state/m.room.name'), { name: 'New' }))
    const gone = await someone()
    must(await gone.join(room))
    must(await gone.post(at(room, 'leave')))
    await alice.say(room, 'while they were away')
    const since = must(await bob.sync()).body.next_batch
    const before = await history(bob, room)
    const stateBefore = must(await bob.get(at(room, 'state'))).body
    const goneBefore = bodies(await history(gone, room))
    await wipeAndRebuildRoom(server, room, alice)

    const ids = (events: Body[]) => events.map((event) => event.event_id)
    expect(ids(await history(bob, room))).toEqual(ids(before))
    expect(ids(must(await bob.get(at(room, 'state'))).body)).toEqual(ids(stateBefore))
    expect(bodies(await history(gone, room))).toEqual(goneBefore)

    const id = await alice.say(room, 'two')
    const { rooms } = must(await bob.sync({ since, timeout: 5_000 })).body
    const timeline = rooms.join[room].timeline
    expect(bodies(timeline.events)).toEqual(['two'])
    expect(timeline.limited).toBe(false)
    const [row] = await server.sql(
      'ROOM',
      objectName.room(server.serverName, room),
      `SELECT pdu, pos FROM events WHERE event_id = '${id}'`,
    )
    expect(JSON.parse(String(row?.pdu)).prev_events).toEqual([ids(before).at(-1)])
    expect(Number(row?.pos)).toBeGreaterThan(1_000_000)
    await archived(server, room)
    must(await bob.post(at(room, 'leave')))
    expect((await bob.get('/joined_rooms')).body.joined_rooms).not.toContain(room)
    must(await bob.join(room))
  })

  it('reaches the clients that waited all along', async () => {
    const { next_batch: since } = must(await bob.sync()).body
    await wipeAndRebuildRoom(server, room, alice)
    const waiting = bob.sync({ since, timeout: 20_000 })
    await alice.say(room, 'to the waiting')
    let answer = must(await waiting).body
    while (!JSON.stringify(answer).includes('to the waiting')) {
      answer = must(await bob.sync({ since: answer.next_batch, timeout: 10_000 })).body
    }
  })

  it('does not send again what was sent', async () => {
    const first = await alice.say(room, 'once', 'same-transaction')
    await wipeAndRebuildRoom(server, room, alice)
    expect(await alice.say(room, 'once', 'same-transaction')).toBe(first)
    expect(bodies(await history(bob, room)).filter((body) => body === 'once')).toHaveLength(1)
  })

  it('keeps redacted events redacted, and redacts those that come back', async () => {
    const secret = `secret of ${version}`
    const [gone, stays] = [await alice.say(room, secret), await alice.say(room, `${secret}, later`)]
    must(await alice.put(at(room, `redact/${encodeURIComponent(gone)}/r1`), {}))
    await wipeAndRebuildRoom(server, room, alice)
    const event = must(await bob.get(at(room, `event/${encodeURIComponent(gone)}`))).body
    expect(event.content).toEqual({})
    expect(event.unsigned.redacted_because.type).toBe('m.room.redaction')
    must(await alice.put(at(room, `redact/${encodeURIComponent(stays)}/r2`), {}))
    expect(JSON.stringify(await history(bob, room))).not.toContain(secret)
    const left = () =>
      server.pg('select pdu from events where room_id = $1 and pdu like $2', [room, `%${secret}%`])
    await expect.poll(left, { timeout: 5_000 }).toEqual([])
    const rows = await server.sql('ROOM', objectName.room(server.serverName, room), 'SELECT pdu FROM events')
    expect(JSON.stringify(rows)).not.toContain(secret)
  })

  it('has the same auth chains and the same authority as before', async () => {
    const query = 'SELECT event_id, chain, seq FROM events WHERE chain IS NOT NULL ORDER BY pos'
    const name = objectName.room(server.serverName, room)
    const before = await server.sql('ROOM', name, query)
    await wipeAndRebuildRoom(server, room, alice)
    expect(await server.sql('ROOM', name, query)).toEqual(before)
    expect((await bob.put(at(room, 'state/m.room.name'), { name: 'not by bob' })).status).toBe(403)
    must(await alice.put(at(room, 'state/m.room.name'), { name: 'by alice' }))
  })
})

describe('a room', () => {
  it('remembers which users forgot it', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(room))
    must(await bob.post(at(room, 'leave')))
    must(await bob.post(at(room, 'forget')))
    const query = 'select 1 from room_memberships where room_id = $1 and forgotten'
    await expect.poll(() => server.pg(query, [room]), { timeout: 5_000 }).toHaveLength(1)
    await wipeAndRebuildRoom(server, room, alice)
    expect((await bob.get(at(room, 'messages'), { dir: 'b' })).status).toBe(403)
  })

  it('shows what an erased user said to members of that time, and hides it from later ones', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    const gone = await someone()
    must(await gone.join(room))
    await gone.say(room, 'not for newcomers')
    const auth = proof(gone.userId)
    must(await gone.post('/account/deactivate', { erase: true, auth }))
    const query = 'select 1 from room_memberships where room_id = $1 and erased_pos is not null'
    await expect.poll(() => server.pg(query, [room]), { timeout: 5_000 }).toHaveLength(1)
    await wipeAndRebuildRoom(server, room, alice)
    must(await bob.join(room))
    expect(bodies(await history(bob, room))).toEqual([])
    expect(bodies(await history(alice, room))).toEqual(['not for newcomers'])
  })

  it('sends delayed events a full delay after it came back', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    const later = async (text: string, delay: string): Promise<string> => {
      const query = { 'org.matrix.msc4140.delay': delay }
      const message = { msgtype: 'm.text', body: text }
      const path = at(room, `send/m.room.message/${text}`)
      return must(await http.request('PUT', path, message, { token: alice.token, query })).body.delay_id
    }
    // Longer than the archive may be late.
    await later('soon', '8000')
    const waiting = await later('much-later', '600000')
    const cancelled = await later('never', '600000')
    const delayed = '/_matrix/client/unstable/org.matrix.msc4140/delayed_events'
    must(await http.request('POST', `${delayed}/${cancelled}/cancel`, {}))
    await wipeAndRebuildRoom(server, room, alice)
    const said = async () => bodies(await history(alice, room))
    await expect.poll(said, { timeout: 20_000 }).toEqual(['soon'])
    const { scheduled, finalised } = must(await alice.get(delayed)).body
    const ids = (list: Body[]) => list.map((one) => one.delay_id ?? one.delayed_event.delay_id)
    expect(ids(scheduled)).toContain(waiting)
    expect(ids(finalised)).toContain(cancelled)
    must(await http.request('POST', `${delayed}/${waiting}/send`, {}))
    expect(await said()).toEqual(['soon', 'much-later'])
  })

  it('is finished if the server died in the middle', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    for (let i = 0; i < 12; i += 1) {
      await Promise.all(Array.from({ length: 50 }, (_, n) => alice.say(room, `${i * 50 + n}`)))
    }
    await archived(server, room)
    const name = objectName.room(server.serverName, room)
    const events = () => server.sql('ROOM', name, 'SELECT event_id, pos FROM events ORDER BY pos')
    const before = await events()
    const asked = rebuild(server, 'room', room).catch(() => '')
    const begun = () => server.sql('ROOM', name, "SELECT 1 FROM meta WHERE key = 'rebuilding'")
    await expect.poll(begun, { timeout: 10_000, interval: 1 }).toHaveLength(1)
    await server.restart()
    await asked
    await expect.poll(begun, { timeout: 30_000 }).toEqual([])
    expect(await events()).toEqual(before)
    await alice.say(room, 'after all')
  })

  it('is rebuilt while it is in use, and loses nothing', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    await alice.say(room, 'just now')
    await rebuild(server, 'room', room)
    expect(bodies(await history(alice, room))).toEqual(['just now'])
  })

  it('with more events than one batch comes back whole', async () => {
    const room = await alice.createRoom({ preset: 'public_chat' })
    for (let i = 0; i < 13; i += 1) {
      await Promise.all(Array.from({ length: 50 }, (_, n) => alice.say(room, `${i * 50 + n}`)))
    }
    await wipeAndRebuildRoom(server, room, alice)
    const query = 'SELECT count(*) AS n FROM events'
    const [row] = await server.sql('ROOM', objectName.room(server.serverName, room), query)
    expect(Number(row?.n)).toBeGreaterThan(650)
    await alice.say(room, 'after')
  })
})

it('a rebuilt room makes no user miss a change of keys from before', async () => {
  const room = await alice.createRoom({ preset: 'public_chat' })
  const gus = await someone()
  must(await gus.join(room))
  const { next_batch: since } = must(await gus.sync()).body
  must(await alice.post('/keys/upload', { device_keys: makeDevice(alice).keys }))
  const name = objectName.room(server.serverName, room)
  const marks = () => server.sql('ROOM', name, 'SELECT user_id FROM device_marks')
  await expect.poll(marks, { timeout: 5_000 }).toEqual([{ user_id: alice.userId }])
  await wipeAndRebuildRoom(server, room, alice)
  expect(must(await gus.sync({ since })).body.device_lists.changed).toContain(alice.userId)
})

it('a rebuilt room knows how far people have read', async () => {
  const room = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(room))
  const [first] = [await alice.say(room, 'one'), await alice.say(room, 'two')]
  must(await bob.post(at(room, `receipt/m.read/${encodeURIComponent(first)}`)))
  const receipts = () => server.pg('select event_id from receipts where room_id = $1', [room])
  await expect.poll(receipts, { timeout: 10_000 }).toEqual([{ event_id: first }])
  await wipeAndRebuildRoom(server, room, alice)
  const section = must(await bob.sync()).body.rooms.join[room]
  const receipt = section.ephemeral.events.find(({ type }: Body) => type === 'm.receipt')
  expect(receipt.content[first]['m.read']).toHaveProperty([bob.userId])
  expect(section.unread_notifications.notification_count).toBe(1)
})

describe('rebuilding', () => {
  it('is for operators and administrators', async () => {
    const room = await alice.createRoom()
    const path = `/_selvedge/admin/rebuild/room/${encodeURIComponent(room)}`
    expect((await http.request('POST', path)).status).toBe(401)
    expect((await alice.post(path)).status).toBe(403)
    expect((await http.request('POST', path, undefined, { token: 'made.up.token' })).status).toBe(401)
    const boss = await someone()
    await archived(server, room)
    const localpart = boss.userId.slice(1, boss.userId.indexOf(':'))
    await server.pg('update accounts set admin = true where localpart = $1', [localpart])
    expect(must(await boss.post(path)).body.events).toBeGreaterThan(5)
  })

  it('makes nothing that the archive does not know', async () => {
    await expect(rebuild(server, 'room', '!none:test.example')).rejects.toThrow(
      /refused: .* \(404 M_NOT_FOUND\)/,
    )
    await expect(rebuild(server, 'user', '@none:test.example')).rejects.toThrow(
      /refused: .* \(404 M_NOT_FOUND\)/,
    )
    await expect(rebuild(server, 'user', '@some:elsewhere.example')).rejects.toThrow(
      /refused: .* \(403 M_FORBIDDEN\)/,
    )
  })

  it('leaves a room alone while Postgres is away', async () => {
    const room = await alice.createRoom()
    await alice.say(room, 'still here')
    await server.postgres.stop()
    await expect(rebuild(server, 'room', room)).rejects.toThrow(/refused: .* \(503 M_UNKNOWN\)/)
    await server.postgres.start()
    expect(bodies(await history(alice, room))).toEqual(['still here'])
    await alice.say(room, 'and on')
  })
})
