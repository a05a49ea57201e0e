/** Account data, global and of one room. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Body, type Client, must, silence } from '../../../support/client.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'])
let roomId: string

beforeAll(async () => {
  roomId = await alice.createRoom()
})

const scopes: [string, (of: Client, type: string) => string][] = [
  ['global', (of, type) => `/user/${encodeURIComponent(of.userId)}/account_data/${type}`],
  [
    'of a room',
    (of, type) =>
      `/user/${encodeURIComponent(of.userId)}/rooms/${encodeURIComponent(roomId)}/account_data/${type}`,
  ],
]

describe.each(scopes)('account data %s', (scope, path) => {
  it('comes back as it was stored', async () => {
    const content = { list: [1, { deep: null }], text: 'ä' }
    expect((await alice.put(path(alice, 'org.example.a'), content)).body).toEqual({})
    expect((await alice.get(path(alice, 'org.example.a'))).body).toEqual(content)
  })

  it('is not there until it is set', async () => {
    const { status, body } = await alice.get(path(alice, 'org.example.none'))
    expect([status, body.errcode]).toEqual([404, 'M_NOT_FOUND'])
  })

  it('wakes a waiting sync', async () => {
    const { next_batch: since } = (await alice.sync()).body
    const waiting = alice.sync({ since, timeout: 10_000 })
    await alice.put(path(alice, 'org.example.news'), { n: 1 })
    const { body } = await waiting
    const data = scope === 'global' ? body.account_data : body.rooms.join[roomId].account_data
    expect(data.events).toEqual([{ type: 'org.example.news', content: { n: 1 } }])
  })

  it('is news again when it is set to the same value, and in no sync after that', async () => {
    const content = { n: 1 }
    await alice.put(path(alice, 'org.example.same'), content)
    const { next_batch: since } = (await alice.sync()).body
    await alice.put(path(alice, 'org.example.same'), content)
    const { body } = await alice.sync({ since })
    const data = scope === 'global' ? body.account_data : body.rooms.join[roomId].account_data
    expect(data.events).toEqual([{ type: 'org.example.same', content }])
    expect((await alice.sync({ since: body.next_batch })).body).toEqual(silence(body.next_batch))
  })

  it('comes back with each number, name and sign as it was, as secrets need', async () => {
    const text =
      '{"zz":1,"aa":[1.5,-0.25,1e+30,9007199254740991],"__proto__":{"x":null},"":"\\u0000\\n\u2028","encrypted":{"key":{"iv":"+/=","mac":"ä🧵"}}}'
    const where = path(alice, 'm.cross_signing.master')
    const headers = { 'content-type': 'application/json' }
    await http.request('PUT', where, undefined, { token: alice.token, raw: text, headers })
    expect(JSON.stringify((await alice.get(where)).body)).toBe(JSON.stringify(JSON.parse(text)))
    const { body } = await alice.sync()
    const data = scope === 'global' ? body.account_data : body.rooms.join[roomId].account_data
    const shown = data.events.find(({ type }: { type: string }) => type === 'm.cross_signing.master')
    expect(JSON.stringify(shown.content)).toBe(JSON.stringify(JSON.parse(text)))
  })

  it('is gone when it is removed, which syncs tell once', async () => {
    const type = 'org.example.gone'
    const removed = path(alice, type)
    const of = (body: Body): Body[] =>
      (scope === 'global' ? body.account_data : body.rooms.join?.[roomId]?.account_data)?.events ?? []
    const unstable = `/_matrix/client/unstable/org.matrix.msc3391${removed}`
    await alice.put(removed, { n: 1 })
    const { next_batch: since } = (await alice.sync()).body
    must(await alice.delete(unstable))
    must(await alice.delete(unstable))
    expect(await alice.get(removed)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } })
    const { body } = await alice.sync({ since })
    expect(of(body)).toEqual([{ type, content: {} }])
    expect((await alice.sync({ since: body.next_batch })).body).toEqual(silence(body.next_batch))
    expect(of((await alice.sync()).body).map((event) => event.type)).not.toContain(type)
    await alice.put(removed, { n: 2 })
    expect((await alice.get(removed)).body).toEqual({ n: 2 })
  })

  it('is removed only by its user, and never if the server manages it', async () => {
    const unstable = (of: Client, type: string) =>
      `/_matrix/client/unstable/org.matrix.msc3391${path(of, type)}`
    await alice.put(path(alice, 'org.example.kept'), { n: 1 })
    expect((await bob.delete(unstable(alice, 'org.example.kept'))).status).toBe(403)
    expect((await alice.get(path(alice, 'org.example.kept'))).body).toEqual({ n: 1 })
    expect((await alice.delete(unstable(alice, 'm.push_rules'))).status).toBe(405)
  })

  it('is removed by an empty object, which is news each time', async () => {
    const type = 'org.example.empty'
    const of = (body: Body): Body[] =>
      (scope === 'global' ? body.account_data : body.rooms.join?.[roomId]?.account_data)?.events ?? []
    for (const before of [{ n: 1 }, undefined]) {
      if (before !== undefined) must(await alice.put(path(alice, type), before))
      const { next_batch: since } = (await alice.sync()).body
      must(await alice.put(path(alice, type), {}))
      expect(of((await alice.sync({ since })).body)).toEqual([{ type, content: {} }])
      expect(await alice.get(path(alice, type))).toMatchObject({
        status: 404,
        body: { errcode: 'M_NOT_FOUND' },
      })
      expect(of((await alice.sync()).body).map((event) => event.type)).not.toContain(type)
    }
  })

  it('belongs to its user alone', async () => {
    for (const answer of [await bob.get(path(alice, 'x')), await bob.put(path(alice, 'x'), {})]) {
      expect([answer.status, answer.body.errcode]).toEqual([403, 'M_FORBIDDEN'])
    }
  })

  it.each(['m.push_rules', 'm.fully_read'])('leaves %s to the server', async (type) => {
    const { status, body } = await alice.put(path(alice, type), {})
    expect([status, body.errcode]).toEqual([405, 'M_BAD_JSON'])
  })

  it('is an object', async () => {
    const { status, body } = await alice.put(path(alice, 'org.example.a'), ['no'])
    expect([status, body.errcode]).toEqual([400, 'M_BAD_JSON'])
  })
})

it('account data as large as a body may be is kept, read, synced and archived', async () => {
  const dora = await http.register('dora')
  const type = 'org.example.large'
  const content = { text: 'x'.repeat(1024 * 1024 - 20) }
  must(await dora.put(`/user/${encodeURIComponent(dora.userId)}/account_data/${type}`, content))
  const { events } = must(await dora.sync()).body.account_data
  expect(events.find((event: Body) => event.type === type)?.content).toEqual(content)
  const name = objectName.user(server.serverName, dora.userId)
  await expect.poll(() => server.sql('USER', name, 'SELECT 1 FROM log'), { timeout: 20_000 }).toEqual([])
})

it('account data that is a room’s only news comes with the place of its timeline', async () => {
  const said = await alice.say(roomId, 'the last message')
  const { next_batch: since } = (await alice.sync()).body
  await alice.put(scopes[1]?.[1](alice, 'org.example.alone') ?? '', { n: 1 })
  const { timeline } = must(await alice.sync({ since })).body.rooms.join[roomId]
  expect(timeline).toMatchObject({ events: [], limited: false })
  const from = { dir: 'b', limit: 1, from: timeline.prev_batch }
  const { chunk } = must(await alice.get(`/rooms/${encodeURIComponent(roomId)}/messages`, from)).body
  expect(chunk.map(({ event_id }: Body) => event_id)).toEqual([said])
})

describe('account data of what is no room', () => {
  it('is refused', async () => {
    const path = `/user/${encodeURIComponent(alice.userId)}/rooms/lounge/account_data/x`
    const { status, body } = await alice.put(path, {})
    expect([status, body.errcode]).toEqual([400, 'M_INVALID_PARAM'])
  })
})

describe('the push rules', () => {
  it('are account data that can be read', async () => {
    const { body } = await alice.get(`/user/${encodeURIComponent(alice.userId)}/account_data/m.push_rules`)
    expect(body).toEqual((await alice.get('/pushrules/')).body)
    expect(body.global.override[0].rule_id).toBe('.m.rule.master')
  })
})
