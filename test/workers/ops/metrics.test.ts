/** What `/metrics` counts, asked of a whole server on which each of it happens. */
import { describe, expect, it } from 'vitest'
import { METRICS } from '../../../src/ports/metrics.ts'
import { must } from '../../support/client.ts'
import { settled, waitingPoll } from '../../support/faults.ts'
import { pushGateway, setPusher } from '../../support/push-gateway.ts'
import { serving } from '../../support/serving.ts'
import { openStream } from '../../support/stream.ts'
import { growth, type Scraped, scrape } from '../../support/watching/metrics.ts'

const PATIENCE = { timeout: 25_000, interval: 20 }

const { server, http, alice, bob } = serving(['alice', 'bob'], {
  staysAwake: 'counts are its subject',
  'allow-private-networks': 'on',
  'session-cache': 'redis',
})
const gateway = pushGateway()

/** What grew by `work`, once it has grown as `fits` wants. */
async function grown(work: () => Promise<unknown>): Promise<(series: string) => Promise<number>> {
  const before = await scrape(server.url)
  await work()
  return async (series) => growth(before, await scrape(server.url))(series)
}

const value = async (series: string) => (await scrape(server.url)).get(series)

it('every name follows the conventions of Prometheus', async () => {
  const scraped = await scrape(server.url)
  expect(scraped.get('selvedge_events_appended_total')).toBeDefined()
  for (const [name, { kind }] of Object.entries(METRICS))
    expect(name).toMatch(kind === 'counter' ? /_total$/ : /_seconds$/)
})

it('requests are counted by route and status, with their time, and what objects are asked by operation', async () => {
  const room = await alice.createRoom()
  const route = '/_matrix/client/v3/rooms/:roomId/send/:eventType/:txnId'
  const by = await grown(() => alice.say(room, 'hello'))
  expect(await by(`selvedge_http_requests_total{method="PUT",route="${route}",status="200"}`)).toBe(1)
  expect(await by(`selvedge_http_request_duration_seconds_count{method="PUT",route="${route}"}`)).toBe(1)
  expect(await by('selvedge_object_requests_total{object="room",operation="send"}')).toBe(1)
  expect(await by('selvedge_events_appended_total')).toBe(1)
  expect([...(await scrape(server.url)).keys()].filter((line) => line.includes(room))).toEqual([])
})

it('a wake is counted in the Room, and a request that waits at the Worker', async () => {
  const room = await alice.createRoom({ preset: 'public_chat' })
  await bob.join(room)
  const since = must(await bob.sync()).body.next_batch
  const before = await scrape(server.url)
  const { answer } = await waitingPoll(http, bob, { since })
  expect(await value('selvedge_waiting_requests')).toBe(1)
  await alice.say(room, 'hello')
  await answer
  const by = growth(before, await scrape(server.url))
  expect(by('selvedge_wakes_total{outcome="taken"}')).toBeGreaterThan(0)
  expect(by('selvedge_long_polls_total')).toBe(1)
  expect(await value('selvedge_waiting_requests')).toBe(0)
})

it('streams are counted as they open and end, and those that are open', async () => {
  const by = await grown(async () => (await openStream(server, bob)).close())
  await expect.poll(() => by('selvedge_stream_sockets_closed_total'), PATIENCE).toBe(1)
  const stream = await openStream(server, bob)
  expect(await value('selvedge_stream_sockets')).toBe(1)
  expect(await by('selvedge_stream_sockets_opened_total')).toBe(2)
  await stream.close()
  await expect.poll(() => value('selvedge_stream_sockets'), PATIENCE).toBe(0)
})

it('notifications are counted by what the gateway made of them', async () => {
  await setPusher(bob, gateway, 'taken')
  const room = await alice.createRoom({ preset: 'trusted_private_chat', invite: [bob.userId] })
  must(await bob.join(room))
  await settled(http)
  const by = await grown(() => alice.say(room, 'hello'))
  await expect.poll(() => by('selvedge_pushes_total{outcome="delivered"}'), PATIENCE).toBeGreaterThan(0)
  gateway.answer('taken', { status: 500 }, { status: 200, body: { rejected: ['taken'] } })
  await alice.say(room, 'again')
  await expect.poll(() => by('selvedge_pushes_total{outcome="failed"}'), PATIENCE).toBe(1)
  await expect.poll(() => by('selvedge_pushes_total{outcome="rejected"}'), PATIENCE).toBe(1)
})

it('bytes of media are counted both ways, and a part as what it is', async () => {
  const by = await grown(async () => {
    const uploaded = await http.request('POST', '/_matrix/media/v3/upload', undefined, {
      token: alice.token,
      raw: 'x'.repeat(1000),
    })
    const path = `/_matrix/client/v1/media/download/${must(uploaded).body.content_uri.slice('mxc://'.length)}`
    must(await http.request('GET', path, undefined, { token: alice.token }))
    const headers = { authorization: `Bearer ${alice.token}`, range: 'bytes=0-99' }
    expect((await fetch(server.url + path, { headers })).status).toBe(206)
  })
  expect(await by('selvedge_media_bytes_total{direction="uploaded"}')).toBe(1000)
  expect(await by('selvedge_media_bytes_total{direction="downloaded"}')).toBe(1100)
  expect(await by('selvedge_media_store_requests_total{class="writes"}')).toBeGreaterThan(0)
})

it('keys looked up in Redis are hits and misses, and the databases have their times', async () => {
  const fresh = await http.login('alice')
  const by = await grown(async () => {
    // A session that this isolate has never seen is looked up; the first time Redis has no copy of it.
    must(await fresh.get('/account/whoami'))
  })
  expect(
    (await by('selvedge_redis_lookups_total{result="miss"}')) +
      (await by('selvedge_redis_lookups_total{result="hit"}')),
  ).toBeGreaterThan(0)
  expect(await by('selvedge_redis_request_duration_seconds_count{outcome="ok"}')).toBeGreaterThan(0)
  const login = await grown(() => http.login('alice'))
  expect(await login('selvedge_postgres_request_duration_seconds_count{outcome="ok"}')).toBeGreaterThan(0)
})

describe('the stores', () => {
  it('are up, and their sizes are told, as are the disk and the processes', async () => {
    const scraped = await scrape(server.url)
    expect(scraped.get('selvedge_store_up{store="postgres"}')).toBe(1)
    expect(scraped.get('selvedge_store_up{store="redis"}')).toBe(1)
    for (const name of [
      'postgres_size_bytes',
      'redis_memory_bytes',
      'redis_keys',
      'disk_free_bytes',
      'disk_size_bytes',
    ])
      expect(scraped.get(`selvedge_${name}`), name).toBeGreaterThan(0)
    for (const process of ['launcher', 'workerd'])
      expect(scraped.get(`selvedge_process_resident_memory_bytes{process="${process}"}`)).toBeGreaterThan(1e6)
  })

  it('that do not answer are down, and calls to them count as unavailable', async () => {
    const before = await scrape(server.url)
    server.postgres.stop()
    server.redis.stop()
    try {
      const down = await scrape(server.url)
      expect(down.get('selvedge_store_up{store="postgres"}')).toBe(0)
      expect(down.get('selvedge_store_up{store="redis"}')).toBe(0)
      expect(down.has('selvedge_postgres_size_bytes')).toBe(false)
      // The questions of that scrape are counted with the next.
      const by = growth(before, await scrape(server.url))
      expect(by('selvedge_postgres_request_duration_seconds_count{outcome="unavailable"}')).toBeGreaterThan(0)
      expect(by('selvedge_redis_request_duration_seconds_count{outcome="unavailable"}')).toBeGreaterThan(0)
    } finally {
      server.postgres.start()
      server.redis.start()
    }
  })
})

describe('what follows commits', () => {
  const behind = (scraped: Scraped) =>
    scraped.get('selvedge_consumer_objects_behind{object="room",consumer="archive"}')
  const oldest = (scraped: Scraped) =>
    scraped.get('selvedge_consumer_oldest_seconds{object="room",consumer="archive"}')

  it('is behind while Postgres is away, for longer and longer, and caught up after it', async () => {
    const room = await alice.createRoom()
    await settled(http)
    expect(behind(await scrape(server.url))).toBe(0)
    server.postgres.stop()
    try {
      const by = await grown(() => alice.say(room, 'hello'))
      await expect
        .poll(
          () => by('selvedge_consumer_runs_total{object="room",consumer="archive",outcome="failed"}'),
          PATIENCE,
        )
        .toBeGreaterThan(0)
      const first = await scrape(server.url)
      expect(behind(first)).toBe(1)
      await expect
        .poll(async () => oldest(await scrape(server.url)), PATIENCE)
        .toBeGreaterThan(oldest(first)!)
      server.postgres.start()
      await expect.poll(async () => behind(await scrape(server.url)), PATIENCE).toBe(0)
      expect(oldest(await scrape(server.url))).toBe(0)
      expect(
        await by('selvedge_consumer_lag_seconds_count{object="room",consumer="archive"}'),
      ).toBeGreaterThan(0)
    } finally {
      server.postgres.start()
    }
  })

  it('is still known to be behind when its object has left the memory', async () => {
    const room = await alice.createRoom()
    await settled(http)
    server.postgres.stop()
    try {
      const by = await grown(() => alice.say(room, 'hello'))
      const failed = 'selvedge_consumer_runs_total{object="room",consumer="archive",outcome="failed"}'
      await expect.poll(() => by(failed), PATIENCE).toBeGreaterThan(0)
      await server.evict('ROOM', `${server.serverName}/room/${room}`)
      expect(behind(await scrape(server.url))).toBe(1)
      server.postgres.start()
      await expect.poll(async () => behind(await scrape(server.url)), PATIENCE).toBe(0)
    } finally {
      server.postgres.start()
    }
  })
})
