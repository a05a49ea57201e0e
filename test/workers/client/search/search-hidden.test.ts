/** Messages that the search hides from everybody, or from one user. */
import { describe, expect, it } from 'vitest'
import { must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'
import { finds, ids, sayAll, search } from './searching.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'])
const path = (roomId: string) => `/rooms/${encodeURIComponent(roomId)}`

describe('nobody finds', () => {
  it('messages from before they came or after they left', async () => {
    const joinedOnly = { type: 'm.room.history_visibility', content: { history_visibility: 'joined' } }
    const roomId = await alice.createRoom({ preset: 'public_chat', initial_state: [joinedOnly] })
    await alice.say(roomId, 'gecko before')
    await bob.join(roomId)
    const during = await alice.say(roomId, 'gecko during')
    await bob.post(`${path(roomId)}/leave`)
    await sayAll(server, alice, roomId, ['gecko after'])
    await finds(alice, 3, 'gecko')
    const found = await search(bob, 'gecko', { event_context: {} })
    expect([ids(found), found.count]).toEqual([[during], 1])
    const around = [...found.results[0].context.events_before, ...found.results[0].context.events_after]
    expect(JSON.stringify(around)).not.toContain('gecko')
  })

  it('anything in a room they have only been invited to', async () => {
    const roomId = await alice.createRoom({ invite: [bob.userId] })
    await sayAll(server, alice, roomId, ['an ibex'])
    expect(ids(await search(bob, 'ibex'))).toEqual([])
  })

  it('anything in an encrypted room', async () => {
    const encryption = { type: 'm.room.encryption', content: { algorithm: 'm.megolm.v1.aes-sha2' } }
    const roomId = await alice.createRoom({ initial_state: [encryption] })
    await sayAll(server, alice, roomId, ['a plain lemur'])
    expect(ids(await search(alice, 'lemur'))).toEqual([])
  })

  it('messages of users they ignore', async () => {
    const carol = await http.register('carol')
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await carol.join(roomId)
    const heard = await alice.say(roomId, 'civet of alice')
    await sayAll(server, carol, roomId, ['civet of carol'])
    await finds(alice, 2, 'civet')
    const ignoring = `/user/${encodeURIComponent(alice.userId)}/account_data/m.ignored_user_list`
    must(await alice.put(ignoring, { ignored_users: { [carol.userId]: {} } }))
    const found = await search(alice, 'civet', { event_context: {} })
    expect([ids(found), found.results[0].context.events_after]).toEqual([[heard], []])
    must(await alice.put(ignoring, { ignored_users: {} }))
  })

  it('anything in a room they have forgotten', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    await bob.join(roomId)
    const [said] = await sayAll(server, alice, roomId, ['a tapir'])
    await bob.post(`${path(roomId)}/leave`)
    expect(ids(await search(bob, 'tapir'))).toEqual([said])
    must(await bob.post(`${path(roomId)}/forget`))
    const looks = async () =>
      must(await http.request('GET', '/_selvedge/test/calls')).body['room.visibleEvents']
    const before = await looks()
    expect(await search(bob, 'tapir')).toMatchObject({ count: 0, results: [] })
    expect(await looks()).toBe(before)
  })

  it('redacted messages, whether redacted before or after they were indexed', async () => {
    const roomId = await alice.createRoom()
    const [early, late] = await sayAll(server, alice, roomId, ['manatee one', 'manatee two'])
    await finds(alice, 2, 'manatee')
    const redact = (eventId: string) =>
      alice.put(`${path(roomId)}/send/m.room.redaction/${eventId.slice(1, 9)}`, { redacts: eventId })
    must(await redact(early!))
    expect(ids(await search(alice, 'manatee'))).toEqual([late])
    must(await redact(await alice.say(roomId, 'manatee three')))
    await sayAll(server, alice, roomId, ['unrelated'])
    expect(await search(alice, 'manatee', { event_context: {} })).toMatchObject({ count: 1 })
    const rows = await server.pg('select document::text from event_search where room_id = $1', [roomId])
    expect(rows).toHaveLength(2)
    expect(JSON.stringify(rows)).not.toMatch(/one|three/)
  })
})
