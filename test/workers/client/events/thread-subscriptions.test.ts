/** Following threads (MSC4306). */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Answer, type Body, must, proof } from '../../../support/client.ts'
import { wipeAndRebuildUser } from '../../../support/rebuild.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice } = serving(['alice'])
let room: string

beforeAll(async () => {
  room = await alice.createRoom({ preset: 'public_chat' })
})

const BASE = '/_matrix/client/unstable/io.element.msc4306'
const path = (root: string, inRoom = room) =>
  `${BASE}/rooms/${encodeURIComponent(inRoom)}/thread/${encodeURIComponent(root)}/subscription`
const follow = (root: string, body: Body = {}) => alice.put(path(root), body)
const leave = (root: string) => alice.delete(path(root))
const found = async (root: string) => {
  const { status, body } = await alice.get(path(root))
  return status === 200 ? body : [status, body.errcode]
}
const failure = ({ status, body }: Answer) => [status, body.errcode]
const NONE = [404, 'M_NOT_FOUND']
const CONFLICT = [409, 'IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION']
const OUTSIDE = [400, 'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD']

let transactions = 0
async function reply(root: string, rel_type = 'm.thread'): Promise<string> {
  transactions += 1
  const send = `/rooms/${encodeURIComponent(room)}/send/m.room.message/r${transactions}`
  const relation = { 'm.relates_to': { rel_type, event_id: root } }
  return must(await alice.put(send, { msgtype: 'm.text', body: 'reply', ...relation })).body.event_id
}

describe('a thread', () => {
  it('is followed and left, as often as one likes', async () => {
    const root = await alice.say(room, 'root')
    must(await leave(root))
    for (let n = 0; n < 2; n += 1) {
      expect(await found(root)).toEqual(NONE)
      must(await follow(root))
      must(await follow(root))
      expect(await found(root)).toEqual({ automatic: false })
      must(await leave(root))
      must(await leave(root))
    }
  })

  it('is followed by a client on its own only because of an event in it', async () => {
    const [root, other] = [await alice.say(room, 'root'), await alice.say(room, 'other')]
    const elsewhere = [root, other, await reply(other), await reply(root, 'm.reference')]
    for (const automatic of elsewhere) expect(failure(await follow(root, { automatic }))).toEqual(OUTSIDE)
    expect(failure(await follow(root, { automatic: '$none' }))).toEqual(NONE)
    expect(failure(await follow(root, { automatic: true }))).toEqual([400, 'M_BAD_JSON'])
    expect(await found(root)).toEqual(NONE)
    must(await follow(root, { automatic: await reply(root) }))
    expect(await found(root)).toEqual({ automatic: true })
  })

  it('that was left is followed again only because of a later event', async () => {
    const root = await alice.say(room, 'root')
    const first = await reply(root)
    must(await follow(root, { automatic: first }))
    const second = await reply(root)
    must(await leave(root))
    for (const automatic of [first, second])
      expect(failure(await follow(root, { automatic }))).toEqual(CONFLICT)
    expect(await found(root)).toEqual(NONE)
    must(await follow(root, { automatic: await reply(root) }))
    expect(await found(root)).toEqual({ automatic: true })
    must(await leave(root))
    must(await follow(root))
    expect(await found(root)).toEqual({ automatic: false })
  })

  it('is followed by the user’s own wish, whatever a client does later on its own', async () => {
    const root = await alice.say(room, 'root')
    const automatic = await reply(root)
    must(await follow(root, { automatic }))
    must(await follow(root))
    must(await follow(root, { automatic }))
    expect(await found(root)).toEqual({ automatic: false })
  })

  it('is known after a rebuild', async () => {
    const [root, left] = [await alice.say(room, 'root'), await alice.say(room, 'left')]
    const automatic = await reply(left)
    must(await follow(root))
    must(await follow(left))
    must(await leave(left))
    await wipeAndRebuildUser(server, alice)
    expect([await found(root), await found(left)]).toEqual([{ automatic: false }, NONE])
    expect(failure(await follow(left, { automatic }))).toEqual(CONFLICT)
  })

  it('is refused to users that may not see it', async () => {
    const stranger = await http.register('stranger')
    const closed = await alice.createRoom({ preset: 'private_chat' })
    const root = await alice.say(closed, 'root')
    for (const at of [path(root, closed), path('$none'), path('$none:example.org', closed)]) {
      const answers = [await stranger.get(at), await stranger.put(at, {}), await stranger.delete(at)]
      expect(answers.map(failure)).toEqual([NONE, NONE, NONE])
    }
  })

  it('is no longer followed when the account is closed', async () => {
    const bob = await http.register('bob')
    must(await bob.join(room))
    must(await bob.put(path(await alice.say(room, 'root')), {}))
    const held = async () =>
      server.sql(
        'USER',
        objectName.user(server.serverName, bob.userId),
        'SELECT count(*) AS n FROM thread_subscriptions',
      )
    expect(await held()).toEqual([{ n: 1 }])
    const auth = proof('bob')
    must(await bob.post('/account/deactivate', { auth }))
    expect(await held()).toEqual([{ n: 0 }])
  })
})
