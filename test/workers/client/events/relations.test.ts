/** Relations: what relates to an event, what events carry of their children, and threads. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, api, type Body, type Client, must } from '../../../support/client.ts'
import { startServer, type TestServer } from '../../../support/server.ts'

let server: TestServer
let http: Api
let alice: Client
let bob: Client
let roomId: string

beforeAll(async () => {
  server = await startServer()
  http = api(server)
  alice = await http.register('alice')
  bob = await http.register('bob')
  roomId = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(roomId))
})
afterAll(() => server?.stop())

const room = (rest: string, id = roomId) => `/rooms/${encodeURIComponent(id)}${rest}`
const v1 = (rest: string, id = roomId) => `/_matrix/client/v1${room(rest, id)}`
const ids = (chunk: { event_id: string }[]) => chunk.map((event) => event.event_id)
const at = (eventId: string) => encodeURIComponent(eventId)

let transactions = 0
const send = (client: Client, content: Body, type = 'm.room.message', id = roomId) => {
  transactions += 1
  return client.put(room(`/send/${type}/r${transactions}`, id), content)
}
const relate = async (
  client: Client,
  relType: string,
  parent: string,
  content: Body = {},
  type = 'm.room.message',
  id = roomId,
): Promise<string> => {
  const relation = { 'm.relates_to': { rel_type: relType, event_id: parent, ...content.relation } }
  const { relation: _, ...rest } = content
  const body = type === 'm.room.message' ? { msgtype: 'm.text', body: 'child', ...rest } : rest
  return must(await send(client, { ...body, ...relation }, type, id)).body.event_id
}
const react = (client: Client, parent: string, key: string, id = roomId) =>
  relate(client, 'm.annotation', parent, { relation: { key } }, 'm.reaction', id)
const edit = (client: Client, parent: string, text: string, id = roomId) =>
  relate(
    client,
    'm.replace',
    parent,
    { body: `* ${text}`, 'm.new_content': { msgtype: 'm.text', body: text } },
    'm.room.message',
    id,
  )
const event = async (client: Client, eventId: string, id = roomId): Promise<Body> =>
  must(await client.get(room(`/event/${at(eventId)}`, id))).body
const bundle = async (client: Client, eventId: string, id = roomId): Promise<Body> =>
  (await event(client, eventId, id)).unsigned['m.relations']
const redact = (client: Client, eventId: string, id = roomId) => {
  transactions += 1
  return client.put(room(`/redact/${at(eventId)}/x${transactions}`, id), {})
}

describe('/relations', () => {
  it('lists children newest first, by type and by event type, and replies not at all', async () => {
    const parent = await alice.say(roomId, 'parent')
    const reaction = await react(bob, parent, '👍')
    const reference = await relate(bob, 'm.reference', parent)
    const sticker = await relate(alice, 'm.reference', parent, {}, 'm.sticker')
    must(
      await send(bob, {
        msgtype: 'm.text',
        body: 'reply',
        'm.relates_to': { 'm.in_reply_to': { event_id: parent } },
      }),
    )
    const all = must(await alice.get(v1(`/relations/${at(parent)}`))).body
    expect(ids(all.chunk)).toEqual([sticker, reference, reaction])
    expect(all.next_batch).toBeUndefined()
    expect(all.chunk[0]).toMatchObject({ room_id: roomId, sender: alice.userId })
    const references = await alice.get(v1(`/relations/${at(parent)}/m.reference`))
    expect(ids(references.body.chunk)).toEqual([sticker, reference])
    const stickers = await alice.get(v1(`/relations/${at(parent)}/m.reference/m.sticker`))
    expect(ids(stickers.body.chunk)).toEqual([sticker])
    const unstable = await alice.get(
      `/_matrix/client/unstable${room(`/relations/${at(parent)}/m.annotation`)}`,
    )
    expect(ids(unstable.body.chunk)).toEqual([reaction])
  })

  it('goes either way in pages, from sync tokens too', async () => {
    const parent = await alice.say(roomId, 'parent')
    const first = [await relate(bob, 'm.reference', parent), await relate(bob, 'm.reference', parent)]
    const since = must(await alice.sync()).body.next_batch
    const later = [await relate(bob, 'm.reference', parent), await relate(bob, 'm.reference', parent)]
    const path = v1(`/relations/${at(parent)}`)
    for (const dir of ['b', 'f'] as const) {
      const seen: string[] = []
      let from: string | undefined
      do {
        const { body } = must(await alice.get(path, { dir, limit: 3, from }))
        seen.push(...ids(body.chunk))
        expect(body.prev_batch).toBe(from)
        from = body.next_batch
      } while (from !== undefined)
      const all = [...first, ...later]
      expect(seen).toEqual(dir === 'b' ? all.reverse() : all)
    }
    expect(ids((await alice.get(path, { from: since })).body.chunk)).toEqual([...first].reverse())
    expect(ids((await alice.get(path, { from: since, dir: 'f' })).body.chunk)).toEqual(later)
    expect(ids((await alice.get(path, { to: since })).body.chunk)).toEqual([...later].reverse())
  })

  it('follows relations of relations where asked, and filters what it returns alone', async () => {
    const parent = await alice.say(roomId, 'parent')
    const reply = await relate(bob, 'm.thread', parent)
    const edited = await edit(bob, reply, 'better')
    const reaction = await react(alice, edited, '🎉')
    const path = v1(`/relations/${at(parent)}`)
    expect(ids((await alice.get(path)).body.chunk)).toEqual([reply])
    const deep = must(await alice.get(path, { recurse: true })).body
    expect(ids(deep.chunk)).toEqual([reaction, edited, reply])
    expect(deep.recursion_depth).toBeGreaterThanOrEqual(3)
    const reactions = await alice.get(`${path}/m.annotation`, { recurse: true })
    expect(ids(reactions.body.chunk)).toEqual([reaction])
  })

  it('is not found for a parent that the viewer may not see', async () => {
    const hidden = await alice.createRoom({
      preset: 'public_chat',
      initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }],
    })
    const parent = await alice.say(hidden, 'before')
    must(await bob.join(hidden))
    expect(await bob.get(v1(`/relations/${at(parent)}`, hidden))).toMatchObject({
      status: 404,
      body: { errcode: 'M_NOT_FOUND' },
    })
    expect((await bob.get(v1('/relations/$nothing:here'))).status).toBe(404)
  })
})

describe('sending', () => {
  it('refuses the same reaction twice, until it is redacted', async () => {
    const parent = await alice.say(roomId, 'parent')
    const reaction = await react(alice, parent, '👍')
    const again = { 'm.relates_to': { rel_type: 'm.annotation', event_id: parent, key: '👍' } }
    expect(await send(alice, again, 'm.reaction')).toMatchObject({
      status: 400,
      body: { errcode: 'M_DUPLICATE_ANNOTATION' },
    })
    await react(alice, parent, '👎')
    await react(bob, parent, '👍')
    must(await redact(alice, reaction))
    await react(alice, parent, '👍')
  })

  it('takes annotations without a key, as often as they come', async () => {
    const parent = await alice.say(roomId, 'parent')
    for (const key of [undefined, 5, undefined]) {
      const relation = { 'm.relates_to': { rel_type: 'm.annotation', event_id: parent, key } }
      must(await send(alice, relation, 'm.reaction'))
    }
  })

  it('refuses a thread from an event that relates to another', async () => {
    const parent = await alice.say(roomId, 'parent')
    const reply = await relate(bob, 'm.thread', parent)
    const nested = {
      msgtype: 'm.text',
      body: 'no',
      'm.relates_to': { rel_type: 'm.thread', event_id: reply },
    }
    expect(await send(alice, nested)).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN' } })
  })

  it('takes a malformed relation for none', async () => {
    for (const relation of ['x', [], { rel_type: 3, event_id: {} }, { rel_type: 'm.thread' }]) {
      const body = { msgtype: 'm.text', body: 'odd', 'm.relates_to': relation }
      must(await send(alice, body))
    }
  })
})

describe('an event carries', () => {
  it('its newest valid edit, and stays as it was', async () => {
    const parent = await alice.say(roomId, 'original')
    await edit(alice, parent, 'second')
    const newest = await edit(alice, parent, 'third')
    await edit(bob, parent, "somebody else's")
    await relate(alice, 'm.replace', parent, { body: 'no new content' })
    const shown = await event(alice, parent)
    expect(shown.content.body).toBe('original')
    expect(shown.unsigned['m.relations']['m.replace']).toMatchObject({
      event_id: newest,
      sender: alice.userId,
      content: { 'm.new_content': { body: 'third' } },
    })
    expect(await bundle(alice, newest)).toBeUndefined()
    must(await redact(alice, newest))
    expect((await bundle(alice, parent))['m.replace'].content['m.new_content'].body).toBe('second')
    must(await redact(alice, parent))
    expect(await bundle(alice, parent)).toBeUndefined()
  })

  it('its references, and no annotations', async () => {
    const parent = await alice.say(roomId, 'poll')
    const votes = [await relate(bob, 'm.reference', parent), await relate(alice, 'm.reference', parent)]
    await react(bob, parent, '👍')
    expect(await bundle(alice, parent)).toEqual({
      'm.reference': { chunk: votes.map((event_id) => ({ event_id })) },
    })
  })

  it('its thread, with the newest reply as it was edited', async () => {
    const root = await alice.say(roomId, 'root')
    await relate(bob, 'm.thread', root)
    const latest = await relate(bob, 'm.thread', root)
    const edited = await edit(bob, latest, 'better')
    const thread = (await bundle(alice, root))['m.thread']
    expect(thread).toMatchObject({
      count: 2,
      current_user_participated: true,
      latest_event: { event_id: latest },
    })
    expect(thread.latest_event.unsigned['m.relations']['m.replace'].event_id).toBe(edited)
    const carol = await http.register('carol')
    must(await carol.join(roomId))
    expect((await bundle(carol, root))['m.thread'].current_user_participated).toBe(false)
    must(await redact(bob, latest))
    expect((await bundle(alice, root))['m.thread'].count).toBe(1)
  })

  it('nothing of ignored people, nor of what the viewer may not see', async () => {
    const dora = await http.register('dora')
    const own = await dora.createRoom({ preset: 'public_chat' })
    must(await bob.join(own))
    must(await alice.join(own))
    const root = await dora.say(own, 'root')
    const seen = await relate(bob, 'm.thread', root, {}, 'm.room.message', own)
    must(await bob.post(room('/leave', own)))
    await relate(alice, 'm.thread', root, {}, 'm.room.message', own)
    const list = { ignored_users: { [alice.userId]: {} } }
    must(await dora.put(`/user/${encodeURIComponent(dora.userId)}/account_data/m.ignored_user_list`, list))
    for (const viewer of [bob, dora]) {
      const { body } = must(await viewer.get(room('/messages', own), { dir: 'b', limit: 50 }))
      const shown = body.chunk.find(({ event_id }: Body) => event_id === root)
      expect(shown.unsigned['m.relations']['m.thread']).toMatchObject({
        count: 1,
        latest_event: { event_id: seen },
      })
    }
  })

  it('nothing where it is state', async () => {
    const topic = must(await alice.put(room('/state/m.room.topic/'), { topic: 'a' })).body.event_id
    await relate(alice, 'm.reference', topic)
    expect(await bundle(alice, topic)).toBeUndefined()
    expect(must(await alice.get(v1(`/relations/${at(topic)}`))).body.chunk).toHaveLength(1)
  })

  it('the same in /messages, /context, /relations, /threads and a timeline with a gap', async () => {
    const own = await alice.createRoom({})
    const since = must(await alice.sync()).body.next_batch
    for (let n = 0; n < 3; n += 1) await alice.say(own, 'filler')
    const root = await alice.say(own, 'root')
    const reply = await relate(alice, 'm.thread', root, {}, 'm.room.message', own)
    const better = await edit(alice, reply, 'better', own)
    const thread = { 'm.thread': { count: 1, latest_event: { event_id: reply } } }
    const find = (chunk: Body[], id: string) =>
      chunk.find(({ event_id }) => event_id === id).unsigned['m.relations']
    const history = must(await alice.get(room('/messages', own), { dir: 'b' })).body
    expect(find(history.chunk, root)).toMatchObject(thread)
    const context = must(await alice.get(room(`/context/${at(reply)}`, own))).body
    expect(context.event.unsigned['m.relations']['m.replace'].event_id).toBe(better)
    expect(find(context.events_before, root)).toMatchObject(thread)
    const children = must(await alice.get(v1(`/relations/${at(root)}`, own))).body
    expect(find(children.chunk, reply)['m.replace'].event_id).toBe(better)
    const threads = must(await alice.get(v1('/threads', own))).body
    expect(find(threads.chunk, root)).toMatchObject(thread)
    const filter = JSON.stringify({ room: { timeline: { limit: 4 } } })
    const { timeline } = must(await alice.sync({ since, filter })).body.rooms.join[own]
    expect(timeline.limited).toBe(true)
    expect(find(timeline.events, root)).toMatchObject(thread)
    const { timeline: whole } = must(await alice.sync({ since })).body.rooms.join[own]
    expect(whole.limited).toBe(false)
    expect(find(whole.events, root)).toBeUndefined()
  })
})

describe('/threads', () => {
  it('orders by the newest reply, in pages, and can keep to one’s own', async () => {
    const own = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(own))
    const roots: string[] = []
    for (let n = 0; n < 3; n += 1) roots.push(await alice.say(own, `root ${n}`))
    const [a, b, c] = roots as [string, string, string]
    for (const root of [a, b, c]) await relate(alice, 'm.thread', root, {}, 'm.room.message', own)
    await relate(bob, 'm.thread', a, {}, 'm.room.message', own)
    const page = must(await bob.get(v1('/threads', own), { limit: 2 })).body
    expect(ids(page.chunk)).toEqual([a, c])
    const next = must(await bob.get(v1('/threads', own), { limit: 2, from: page.next_batch })).body
    expect(ids(next.chunk)).toEqual([b])
    expect(next.next_batch).toBeUndefined()
    expect(ids((await bob.get(v1('/threads', own), { include: 'participated' })).body.chunk)).toEqual([a])
    expect(ids((await alice.get(v1('/threads', own), { include: 'participated' })).body.chunk)).toEqual([
      a,
      c,
      b,
    ])
    const list = { ignored_users: { [alice.userId]: {} } }
    must(await bob.put(`/user/${encodeURIComponent(bob.userId)}/account_data/m.ignored_user_list`, list))
    const pruned = must(await bob.get(v1('/threads', own))).body.chunk
    expect(ids(pruned)).toEqual([a])
    expect(pruned[0].content).toEqual({})
  })

  it('is for members, and checks what it is asked', async () => {
    const eve = await http.register('eve')
    expect((await eve.get(v1('/threads'))).body.errcode).toBe('M_FORBIDDEN')
    expect((await alice.get(v1('/threads'), { include: 'some' })).status).toBe(400)
    expect((await alice.get(v1('/threads'), { limit: 0 })).status).toBe(400)
  })
})
