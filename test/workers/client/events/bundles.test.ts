/** What events carry of those that relate to them. */
import { describe, expect, it } from 'vitest'
import { type Body, must } from '../../../support/client.ts'
import { relating } from './relating.ts'

const { http, alice, bob, here, room, v1, at, relate, react, edit, event, bundle, redact } = relating()

describe('an event carries', () => {
  it('its newest valid edit, and its own content stays as it was', async () => {
    const parent = await alice.say(here.roomId, 'original')
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
    const parent = await alice.say(here.roomId, 'poll')
    const votes = [await relate(bob, 'm.reference', parent), await relate(alice, 'm.reference', parent)]
    await react(bob, parent, '👍')
    expect(await bundle(alice, parent)).toEqual({
      'm.reference': { chunk: votes.map((event_id) => ({ event_id })) },
    })
  })

  it('its thread, with the newest reply in its edited form', async () => {
    const root = await alice.say(here.roomId, 'root')
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
    must(await carol.join(here.roomId))
    expect((await bundle(carol, root))['m.thread'].current_user_participated).toBe(false)
    must(await redact(bob, latest))
    expect((await bundle(alice, root))['m.thread'].count).toBe(1)
  })

  it('nothing from ignored users, and nothing that the viewer may not see', async () => {
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

  it('nothing if it is state', async () => {
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
