/** Sliding sync: threads that the user begins and ceases to follow (MSC4308), and the pages before. */
import { expect, it } from 'vitest'
import { THREADS } from '../../../../../src/objects/user/sliding.ts'
import { type Body, type Client, must } from '../../../../support/client.ts'
import { waitingRequest } from '../../../../support/faults.ts'
import { wipeAndRebuildUser } from '../../../../support/rebuild.ts'
import { objectName } from '../../../../support/server.ts'
import { serving } from '../../../../support/serving.ts'
import { connection } from './connection.ts'

const { server, http, someone } = serving([], { presence: 'off' })

const UNSTABLE = '/_matrix/client/unstable'
const on = (limit?: number): Body => ({ extensions: { [THREADS]: { enabled: true, limit } } })
const told = ({ extensions }: Body): Body => extensions[THREADS] ?? {}
const path = (room: string, root: string) =>
  `${UNSTABLE}/io.element.msc4306/rooms/${encodeURIComponent(room)}/thread/${root}/subscription`
const pages = (client: Client, query: Body = {}) =>
  http.request('GET', `${UNSTABLE}/io.element.msc4308/thread_subscriptions`, undefined, {
    token: client.token,
    query: { dir: 'b', ...query },
  })

/** A user with a room and as many first events of threads, all followed in their order. */
async function following(n: number) {
  const alice = await someone()
  const room = await alice.createRoom({})
  const roots: string[] = []
  for (let i = 0; i < n; i += 1) roots.push(await alice.say(room, `root ${i}`))
  for (const root of roots) must(await alice.put(path(room, root), {}))
  return { alice, room, roots }
}

const rootsOf = ({ subscribed = {} }: Body, room: string) => Object.keys(subscribed[room] ?? {}).sort()

it('tells of followed threads in the first answer, and of nothing where it is not asked for', async () => {
  const { alice, room, roots } = await following(1)
  expect((await connection(http, alice, 'plain').ask()).extensions).toEqual({})
  const answer = told(await connection(http, alice).ask(on()))
  expect(answer).toEqual({
    subscribed: { [room]: { [roots[0]!]: { automatic: false, bump_stamp: expect.any(Number) } } },
  })
})

it('ends a poll that waits, and tells each change once, the newest alone', async () => {
  const { alice, room } = await following(0)
  const root = await alice.say(room, 'root')
  const main = connection(http, alice)
  await main.ask(on())
  const { answer } = await waitingRequest(http, alice, () => main.ask(on(), { timeout: 20_000 }))
  must(await alice.put(path(room, root), {}))
  const first = told(await answer).subscribed[room][root]
  expect(first.automatic).toBe(false)
  must(await alice.delete(path(room, root)))
  must(await alice.put(path(room, root), {}))
  must(await alice.delete(path(room, root)))
  await server.evict('USER', objectName.user(server.serverName, alice.userId))
  const lost = await main.lose(on())
  const next = told(await main.ask(on()))
  expect(next).toEqual({ unsubscribed: { [room]: { [root]: { bump_stamp: expect.any(Number) } } } })
  expect(told(lost.body)).toEqual(next)
  expect(next.unsubscribed[room][root].bump_stamp).toBeGreaterThan(first.bump_stamp)
  expect(told(await main.ask(on()))).toEqual({})
})

it('pages back through those that an answer had no room for', async () => {
  const { alice, room, roots } = await following(2)
  const main = connection(http, alice)
  expect(rootsOf(told(await main.ask(on())), room)).toEqual(roots.toSorted())
  const before = main.pos
  const more: string[] = []
  for (let i = 0; i < 5; i += 1) more.push(await alice.say(room, `more ${i}`))
  for (const root of more) must(await alice.put(path(room, root), {}))
  const answer = told(await main.ask(on(2)))
  expect(rootsOf(answer, room)).toEqual(more.slice(3).toSorted())
  const page = must(await pages(alice, { from: answer.prev_batch, to: before, limit: 2 })).body
  expect(rootsOf(page, room)).toEqual(more.slice(1, 3).toSorted())
  const last = must(await pages(alice, { from: page.end, to: before, limit: 2 })).body
  expect(rootsOf(last, room)).toEqual([more[0]])
  expect(last).not.toHaveProperty('end')
  const all = must(await pages(alice)).body
  expect(rootsOf(all, room)).toEqual([...roots, ...more].toSorted())
})

it('pages through all of them after a rebuild', async () => {
  const { alice, room, roots } = await following(3)
  await wipeAndRebuildUser(server, alice)
  let page = must(await pages(alice, { limit: 1 })).body
  const found = rootsOf(page, room)
  while (page.end !== undefined) {
    page = must(await pages(alice, { limit: 1, from: page.end })).body
    found.push(...rootsOf(page, room))
  }
  expect(found.toSorted()).toEqual(roots.toSorted())
})

it('refuses limits, directions and tokens that are none', async () => {
  const { alice } = await following(0)
  for (const query of [
    { dir: 'f' },
    { limit: 0 },
    { limit: 'x' },
    { from: 'x' },
    { from: '1~' },
    { to: 'x' },
  ]) {
    const { status, body } = await pages(alice, query)
    expect([query, status, body.errcode]).toEqual([query, 400, 'M_INVALID_PARAM'])
  }
  const { status, body } = await connection(http, alice).lose(on(0))
  expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
})
