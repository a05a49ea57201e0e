/** Filters that are stored. */
import { describe, expect, it } from 'vitest'
import type { Client } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { alice, bob } = serving(['alice', 'bob'])

const path = (of: Client, rest = '') => `/user/${encodeURIComponent(of.userId)}/filter${rest}`
const filter = { room: { timeline: { limit: 1, types: ['m.room.message'] } }, 'org.example.new': { a: 1 } }

describe('filters', () => {
  it('come back as they were stored, under an id that is no JSON', async () => {
    const { body } = await alice.post(path(alice), filter)
    expect(body.filter_id).toMatch(/^[^{]+$/)
    expect((await alice.get(path(alice, `/${body.filter_id}`))).body).toEqual(filter)
  })

  it('apply to a sync that names them', async () => {
    const roomId = await alice.createRoom()
    await alice.say(roomId, 'one')
    const last = await alice.say(roomId, 'two')
    const { filter_id } = (await alice.post(path(alice), filter)).body
    const { body } = await alice.sync({ filter: filter_id })
    const { events } = body.rooms.join[roomId].timeline
    expect(events.map((event: { event_id: string }) => event.event_id)).toEqual([last])
  })

  it('of other users can be neither made nor seen', async () => {
    const { filter_id } = (await alice.post(path(alice), filter)).body
    for (const answer of [await bob.post(path(alice), filter), await bob.get(path(alice, `/${filter_id}`))]) {
      expect([answer.status, answer.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    }
    expect((await bob.get(path(bob, `/${filter_id}-none`))).status).toBe(404)
  })

  it.each([[{ room: 1 }], [{ room: { timeline: { limit: 'x' } } }], [{ event_fields: 'a' }]])(
    'refuses %j',
    async (wrong) => {
      const { status, body } = await alice.post(path(alice), wrong)
      expect([status, body.errcode]).toEqual([400, 'M_BAD_JSON'])
    },
  )
})
