/** History that other servers have: what was said in a room before a user of this server came. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../support/client.ts'
import { tellHistory, tellNewest } from '../../support/federation/history.ts'
import { federating, remote } from '../../support/federation/remote.ts'
import { RemoteRoom } from '../../support/federation/remote-room.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { alice, bob, http } = serving(['alice', 'bob'], {
  ...federating,
})

const enter = async (room: RemoteRoom, who: Client = alice) =>
  must(await who.post(`/join/${encodeURIComponent(room.roomId)}?via=${other.name}`))
const say = (room: RemoteRoom, body: string) =>
  room.send({ type: 'm.room.message', content: { msgtype: 'm.text', body } })

/** All pages back to the room's beginning: each event's text, or its type. */
async function past(room: RemoteRoom, who: Client = alice, limit = 20): Promise<string[]> {
  const seen: string[] = []
  let from: string | undefined
  for (;;) {
    const path = `/rooms/${encodeURIComponent(room.roomId)}/messages`
    const { chunk, end } = must(await who.get(path, { dir: 'b', limit, from })).body
    seen.push(...chunk.map(({ type, content }: Body) => content.body ?? type))
    if (end === undefined || chunk.length === 0) return seen.reverse()
    from = end
  }
}

const BEGINNING = [
  'm.room.create',
  'm.room.member',
  'm.room.power_levels',
  'm.room.join_rules',
  'm.room.history_visibility',
  'm.room.name',
]

describe('history of before a join', () => {
  it.each(['6', '11', '12'])('is fetched and shown in its order in version %s', async (version) => {
    const room = new RemoteRoom(other, version).serve()
    tellHistory(room)
    const texts = Array.from({ length: 30 }, (_, index) => `text ${index}`)
    for (const [index, text] of texts.entries()) {
      say(room, text)
      if (index === 15) room.send({ type: 'm.room.name', state_key: '', content: { name: 'Renamed' } })
    }
    await enter(room)
    const expected = [...BEGINNING, ...texts.slice(0, 16), 'm.room.name', ...texts.slice(16), 'm.room.member']
    expect(await past(room)).toEqual(expected)
    expect(await past(room, alice, 7)).toEqual(expected)
  })

  it('of more events than one answer has is fetched as far as the reader goes', async () => {
    const room = new RemoteRoom(other, '11').serve()
    const asked = tellHistory(room)
    for (let index = 0; index < 250; index += 1) say(room, `text ${index}`)
    await enter(room)
    const path = `/rooms/${encodeURIComponent(room.roomId)}/messages`
    must(await alice.get(path, { dir: 'b', limit: 10 }))
    expect(asked).toHaveLength(1)
    const texts = (await past(room, alice, 100)).filter((text) => text.startsWith('text'))
    expect(texts).toEqual(Array.from({ length: 250 }, (_, index) => `text ${index}`))
  })

  it('is asked for no further than the answer goes, and the state before that', async () => {
    const room = new RemoteRoom(other, '11').serve()
    const asked = tellHistory(room)
    for (let index = 0; index < 150; index += 1) say(room, `text ${index}`)
    await enter(room)
    const before = other.received.length
    const path = `/rooms/${encodeURIComponent(room.roomId)}/messages`
    must(await alice.get(path, { dir: 'b', limit: 10 }))
    expect(asked).toHaveLength(1)
    const kinds = other.received.slice(before).map(({ uri }) => uri.split('/')[4])
    expect(kinds.filter((kind) => kind !== 'event')).toEqual(['backfill', 'state_ids'])
  })

  it('shows no event that was redacted in it', async () => {
    const room = new RemoteRoom(other, '11').serve()
    tellHistory(room)
    const { eventId } = say(room, 'secret')
    room.send({ type: 'm.room.redaction', content: { redacts: eventId } })
    await enter(room)
    expect(await past(room)).toEqual([...BEGINNING, 'm.room.message', 'm.room.redaction', 'm.room.member'])
  })

  it('is asked for once where all of it came', async () => {
    const room = new RemoteRoom(other, '11').serve()
    const asked = tellHistory(room)
    say(room, 'hello')
    await enter(room)
    for (let time = 0; time < 3; time += 1) await past(room)
    expect(asked).toHaveLength(1)
  })

  it('does not change what the room is now', async () => {
    const room = new RemoteRoom(other, '11').serve()
    tellHistory(room)
    room.send({ type: 'm.room.topic', state_key: '', content: { topic: 'old' } })
    room.send({ type: 'm.room.topic', state_key: '', content: { topic: 'new' } })
    await enter(room)
    const { next_batch: since } = must(await alice.sync()).body
    await past(room)
    const state = `/rooms/${encodeURIComponent(room.roomId)}/state/m.room.topic`
    expect(must(await alice.get(state)).body).toEqual({ topic: 'new' })
    expect(must(await alice.sync({ since })).body.rooms?.join?.[room.roomId]).toBeUndefined()
  })

  it('is hidden from users who may not see it', async () => {
    const room = new RemoteRoom(other, '11').serve()
    tellHistory(room)
    room.send({
      type: 'm.room.history_visibility',
      state_key: '',
      content: { history_visibility: 'joined' },
    })
    say(room, 'among ourselves')
    await enter(room)
    expect(await past(room)).not.toContain('among ourselves')
  })

  it('that its server does not give is left out, and is not asked for again at once', async () => {
    const room = new RemoteRoom(other, '11').serve()
    const asked = tellHistory(room)
    other.on('GET', `/_matrix/federation/v1/backfill/${encodeURIComponent(room.roomId)}`, () => {
      asked.push([])
      return { status: 500 }
    })
    say(room, 'lost')
    await enter(room)
    for (let time = 0; time < 3; time += 1) expect(await past(room)).toEqual(['m.room.member'])
    expect(asked).toHaveLength(1)
  })

  it('that is not signed by the servers of its senders is not shown', async () => {
    const room = new RemoteRoom(other, '11').serve()
    tellHistory(room)
    const last = say(room, 'true')
    await enter(room)
    other.on('GET', `/_matrix/federation/v1/backfill/${encodeURIComponent(room.roomId)}`, () => ({
      body: { pdus: [{ ...last.pdu, content: { ...last.pdu.content, body: 'false' }, signatures: {} }] },
    }))
    expect(await past(room)).toEqual(['m.room.member'])
  })

  it('of another room is not shown', async () => {
    const [room, elsewhere] = [new RemoteRoom(other, '11').serve(), new RemoteRoom(other, '11').serve()]
    tellHistory(room)
    say(room, 'here')
    const strange = say(elsewhere, 'elsewhere')
    await enter(room)
    other.on('GET', `/_matrix/federation/v1/backfill/${encodeURIComponent(room.roomId)}`, () => ({
      body: { pdus: [strange.pdu] },
    }))
    expect(await past(room)).not.toContain('elsewhere')
  })

  it('is there for the next user who comes', async () => {
    const room = new RemoteRoom(other, '11').serve()
    const asked = tellHistory(room)
    say(room, 'hello')
    await enter(room)
    await past(room)
    await enter(room, bob)
    expect(await past(room, bob)).toContain('hello')
    expect(asked).toHaveLength(1)
  })
})

describe('a gap before what is news', () => {
  /** A room of which alice has heard nothing for thirty messages, and then the last one. */
  async function behind(text: string) {
    const room = new RemoteRoom(other, '11').serve()
    tellHistory(room)
    await enter(room)
    const { next_batch: since } = must(await alice.sync()).body
    must(
      await alice.put(`/rooms/${encodeURIComponent(room.roomId)}/send/m.room.message/${text}`, {
        body: 'mine',
      }),
    )
    for (let index = 0; index < 30; index += 1) say(room, `text ${index}`)
    const last = say(room, text)
    const tell = async () => {
      const content = { origin: other.name, origin_server_ts: Date.now(), pdus: [last.pdu] }
      must(await other.ask(http, 'PUT', `/_matrix/federation/v1/send/${text}`, content as Body))
    }
    const sync = async (query: Body) =>
      must(await alice.sync(query)).body.rooms?.join?.[room.roomId]?.timeline
    return { room, since, tell, sync }
  }
  const texts = (timeline: Body) => timeline.events.map(({ content }: Body) => content.body)

  it('is told to a client that syncs, which can go on from there', async () => {
    const { room, since, tell, sync } = await behind('last')
    await tell()
    const timeline = await sync({ since })
    expect(timeline.limited).toBe(true)
    expect(texts(timeline)).toEqual(['last'])
    const path = `/rooms/${encodeURIComponent(room.roomId)}/messages`
    const { chunk } = must(await alice.get(path, { dir: 'b', limit: 3, from: timeline.prev_batch })).body
    expect(chunk.map(({ content }: Body) => content.body)).toEqual(['text 29', 'text 28', 'text 27'])
  })

  it('is told to a client that is new, and to one that waits', async () => {
    const { since, tell, sync } = await behind('end')
    const { next_batch: now } = must(await alice.sync({ since })).body
    const waiting = sync({ since: now, timeout: 20_000 })
    await tell()
    for (const timeline of [await waiting, await sync({})]) {
      expect(timeline.limited).toBe(true)
      expect(texts(timeline)).toEqual(['end'])
    }
  })
})

describe('a jump to a date from before the join', () => {
  const jump = (room: RemoteRoom, ts: number, dir: 'f' | 'b') =>
    alice.get(`/_matrix/client/v1/rooms/${encodeURIComponent(room.roomId)}/timestamp_to_event`, { ts, dir })
  it.each(['f', 'b'] as const)('finds what another server has, and it is there then: %s', async (dir) => {
    const room = new RemoteRoom(other, '11').serve()
    tellHistory(room)
    tellNewest(room)
    const said = Array.from({ length: 150 }, (_, index) => say(room, `text ${index}`))
    await enter(room)
    const wanted = said[5]!
    const { body } = must(await jump(room, wanted.pdu.origin_server_ts, dir))
    expect(body).toEqual({ event_id: wanted.eventId, origin_server_ts: wanted.pdu.origin_server_ts })
    const path = `/rooms/${encodeURIComponent(room.roomId)}/context/${encodeURIComponent(wanted.eventId)}`
    expect(must(await alice.get(path)).body.event.content.body).toBe('text 5')
  })

  it('finds it in a room in which much was said since', async () => {
    const room = new RemoteRoom(other, '11').serve()
    tellHistory(room)
    tellNewest(room)
    const wanted = say(room, 'long ago')
    await enter(room)
    for (let from = 0; from < 300; from += 50) {
      const pdus = Array.from({ length: 50 }, (_, index) => say(room, `text ${from + index}`).pdu)
      const content = { origin: other.name, origin_server_ts: Date.now(), pdus }
      must(
        await other.ask(http, 'PUT', `/_matrix/federation/v1/send/much${from}`, content as unknown as Body),
      )
    }
    const { body } = must(await jump(room, wanted.pdu.origin_server_ts, 'b'))
    expect(body.event_id).toBe(wanted.eventId)
  })

  it('ends at what is here where no other server answers', async () => {
    const room = new RemoteRoom(other, '11').serve()
    await enter(room)
    expect((await jump(room, 1, 'b')).status).toBe(404)
    const { body } = must(await jump(room, 1, 'f'))
    expect(body.event_id).toMatch(/^\$/)
  })
})
