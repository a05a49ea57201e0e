/** Whose devices a client must look at again between two tokens: /keys/changes. */
import { describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'
import { newKeys, together, token, untilChanged, untilLeft } from './sharers.ts'

const { someone } = serving()
const people = (count: number) => Promise.all(Array.from({ length: count }, someone))

describe('/keys/changes', () => {
  it('answers what a sync between the two tokens would', async () => {
    const [alice, bob, carol] = (await people(3)) as [Client, Client, Client]
    await together(alice, bob)
    const from = await token(bob)
    await newKeys(alice)
    await untilChanged(bob, from, alice)
    await together(bob, carol)
    const to = await token(bob)
    const { body } = must(await bob.get('/keys/changes', { from, to }))
    expect(new Set(body.changed)).toEqual(new Set([alice.userId, carol.userId]))
    expect(body.left).toEqual([])
  })

  it('names users that left between two looks, even if they were invited, banned or have knocked since', async () => {
    const [alice, ...others] = await people(3)
    const room = await together(alice!, ...others)
    const since = await token(alice!)
    for (const other of others) must(await other.post(`/rooms/${encodeURIComponent(room)}/leave`))
    must(await alice!.invite(room, others[0]!.userId))
    must(await alice!.post(`/rooms/${encodeURIComponent(room)}/ban`, { user_id: others[1]!.userId }))
    const { device_lists: lists } = must(await alice!.sync({ since })).body
    expect(lists.left.toSorted()).toEqual(others.map(({ userId }) => userId).toSorted())
  })

  it('names users that left the last shared room, and all others to a kicked user', async () => {
    const [alice, bob, carol] = (await people(3)) as [Client, Client, Client]
    const room = await together(alice, bob, carol)
    const [ofAlice, ofCarol] = [await token(alice), await token(carol)]
    must(await alice.post(`/rooms/${encodeURIComponent(room)}/kick`, { user_id: carol.userId }))
    await untilLeft(alice, ofAlice, carol)
    const changes = async (client: Client, from: string): Promise<Body> =>
      must(await client.get('/keys/changes', { from, to: await token(client) })).body
    expect((await changes(alice, ofAlice)).left).toEqual([carol.userId])
    const left = async () => (await changes(carol, ofCarol)).left.toSorted()
    await expect.poll(left).toEqual([alice.userId, bob.userId].toSorted())
    expect((await changes(bob, await token(bob))).changed).toEqual([])
  })

  it('refuses an invalid token', async () => {
    const [alice] = (await people(1)) as [Client]
    const since = await token(alice)
    expect((await alice.get('/keys/changes', { from: 'x', to: since })).body.errcode).toBe('M_INVALID_PARAM')
    expect((await alice.get('/keys/changes', { from: since })).body.errcode).toBe('M_MISSING_PARAM')
  })
})
