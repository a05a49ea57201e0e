/** Relations: what relates to an event, and threads. */
import { describe, expect, it } from 'vitest'
import { must } from '../../../support/client.ts'
import { relating } from './relating.ts'

const { http, alice, bob, here, room, v1, ids, at, send, relate, react, edit, redact } = relating()

describe('/relations', () => {
  it('lists children newest first, by type and by event type, but no replies', async () => {
    const parent = await alice.say(here.roomId, 'parent')
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
    expect(all.chunk[0]).toMatchObject({ room_id: here.roomId, sender: alice.userId })
    const references = await alice.get(v1(`/relations/${at(parent)}/m.reference`))
    expect(ids(references.body.chunk)).toEqual([sticker, reference])
    const stickers = await alice.get(v1(`/relations/${at(parent)}/m.reference/m.sticker`))
    expect(ids(stickers.body.chunk)).toEqual([sticker])
    const unstable = await alice.get(
      `/_matrix/client/unstable${room(`/relations/${at(parent)}/m.annotation`)}`,
    )
    expect(ids(unstable.body.chunk)).toEqual([reaction])
  })

  it('goes in pages either way, from sync tokens too', async () => {
    const parent = await alice.say(here.roomId, 'parent')
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

  it('follows relations of relations if asked, and filters only what it returns', async () => {
    const parent = await alice.say(here.roomId, 'parent')
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
    const parent = await alice.say(here.roomId, 'parent')
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
    const parent = await alice.say(here.roomId, 'parent')
    for (const key of [undefined, 5, undefined]) {
      const relation = { 'm.relates_to': { rel_type: 'm.annotation', event_id: parent, key } }
      must(await send(alice, relation, 'm.reaction'))
    }
  })

  it('refuses a thread from an event that relates to another', async () => {
    const parent = await alice.say(here.roomId, 'parent')
    const reply = await relate(bob, 'm.thread', parent)
    const nested = {
      msgtype: 'm.text',
      body: 'no',
      'm.relates_to': { rel_type: 'm.thread', event_id: reply },
    }
    expect(await send(alice, nested)).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN' } })
  })

  it('ignores a malformed relation', async () => {
    for (const relation of ['x', [], { rel_type: 3, event_id: {} }, { rel_type: 'm.thread' }]) {
      const body = { msgtype: 'm.text', body: 'odd', 'm.relates_to': relation }
      must(await send(alice, body))
    }
  })
})

describe('/threads', () => {
  it('orders by the newest reply, in pages, and can show only the user’s own', async () => {
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

  it('is for members, and checks its parameters', async () => {
    const eve = await http.register('eve')
    expect((await eve.get(v1('/threads'))).body.errcode).toBe('M_FORBIDDEN')
    expect((await alice.get(v1('/threads'), { include: 'some' })).status).toBe(400)
    expect((await alice.get(v1('/threads'), { limit: 0 })).status).toBe(400)
  })
})
