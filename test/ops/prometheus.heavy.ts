/**
 * A real Prometheus over a served instance: every query of the dashboards finds data, and alerts fire by real faults.
 * Needs Debian's package prometheus.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Body, Client } from '../support/client.ts'
import { must } from '../support/client.ts'
import { pushGateway, setPusher } from '../support/push-gateway.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { serving } from '../support/serving.ts'
import { openStream } from '../support/stream.ts'
import { scrape } from '../support/watching/metrics.ts'
import { needingPrometheus, OPS, type Prometheus, programOf, startPrometheus } from './prometheus.ts'

const TOKEN = 'a-token-for-Prometheus'
const PATIENCE = { timeout: 90_000, interval: 250 }
const SHORTENED = {
  'selvedge:archive_lag_seconds:max > 300': 'selvedge:archive_lag_seconds:max > 2',
  // A gateway's answer is looked for after 20 s at the latest, so that long a push may seem to be under way.
  'consumer!="archive"} > 900': 'consumer!="archive"} > 25',
}

interface Panel {
  title: string
  targets: { expr: string }[]
}

const BOARDS = readdirSync(join(OPS, 'grafana/dashboards')).map((file) => ({
  file,
  board: JSON.parse(readFileSync(join(OPS, 'grafana/dashboards', file), 'utf8')) as Body,
}))
const QUERIES = BOARDS.flatMap(({ file, board }) =>
  (board.panels as Panel[]).flatMap(({ title, targets }) =>
    targets.map(({ expr }) => [file, title, expr] as const),
  ),
)

describe.skipIf(programOf('prometheus') === undefined)(needingPrometheus('Prometheus'), () => {
  const gateway = pushGateway()
  const { server, http, alice, bob } = serving(['alice', 'bob'], {
    staysAwake: 'counts are its subject',
    'metrics-token': TOKEN,
    'allow-private-networks': 'on',
    'session-cache': 'redis',
    'rate-limits': 'on',
  })
  let prometheus: Prometheus
  let room: string
  let upload: string
  beforeAll(async () => {
    room = await alice.createRoom({ preset: 'trusted_private_chat', invite: [bob.userId] })
    must(await bob.join(room))
    await setPusher(bob, gateway, 'phone')
    upload = await uploadOf(alice)
    prometheus = await startPrometheus({ url: server.url, token: TOKEN }, SHORTENED)
  })
  afterEach(() => {
    server.postgres.start()
    server.postgres.delay(0)
    server.redis.start()
    gateway.answer('phone', { status: 200 })
  })
  afterAll(() => prometheus?.stop())

  async function uploadOf({ token }: Client): Promise<string> {
    const raw = 'x'.repeat(1_000)
    const answer = await http.request('POST', '/_matrix/media/v3/upload', undefined, { token, raw })
    return must(answer).body.content_uri.slice('mxc://'.length)
  }

  /** A little of everything that is counted. */
  async function use(): Promise<void> {
    await alice.say(room, 'hello')
    must(await bob.sync({ timeout: 0 }))
    await (await openStream(server, bob)).close()
    await uploadOf(alice)
    await http.request('GET', `/_matrix/client/v1/media/download/${upload}`, undefined, { token: bob.token })
    await http.request('GET', '/publicRooms')
  }

  /** What is counted where something goes wrong, once: fewer requests than an alert asks for. */
  async function fail(): Promise<void> {
    for (let asked = 0; asked < 500; asked += 1)
      if ((await http.request('GET', '/_matrix/client/versions')).status === 429) break
    gateway.answer('phone', { status: 500 }, { status: 200 })
    await alice.say(room, 'not taken at first')
    server.postgres.stop()
    await alice.say(room, 'not archived at first')
    await login()
    await expect.poll(failedRuns, PATIENCE).toBeGreaterThan(0)
    server.postgres.start()
  }

  async function failedRuns(): Promise<number> {
    const scraped = await scrape(server.url, { authorization: `Bearer ${TOKEN}` })
    return scraped.get('selvedge_consumer_runs_total{object="room",consumer="archive",outcome="failed"}') ?? 0
  }

  const login = () =>
    http.request('POST', '/login', {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: 'alice' },
      password: 'correct horse battery staple',
    })

  it('reads the metrics with their token', async () => {
    await expect.poll(() => prometheus.query('up{job="selvedge"} == 1'), PATIENCE).toHaveLength(1)
  })

  it('finds data for every query of every dashboard, and no alert by such a load', async () => {
    expect(QUERIES.length).toBeGreaterThan(40)
    for (let times = 0; times < 40; times += 1) await use()
    await fail()
    const missing = async () => {
      await use()
      const found = await Promise.all(
        QUERIES.map(async ([file, title, expr]) => {
          const results = await prometheus.query(expr.replaceAll('$__rate_interval', '1m'))
          return results.some(({ value }) => Number.isFinite(value)) ? [] : [`${file}: ${title}: ${expr}`]
        }),
      )
      return found.flat()
    }
    await expect.poll(missing, PATIENCE).toEqual([])
    await expect.poll(() => prometheus.firing(), PATIENCE).toEqual([])
  })

  it('has an alert when Postgres stops, and then one for the archive, and one for what fails', async () => {
    server.postgres.stop()
    await alice.say(room, 'not archived')
    await expect.poll(() => prometheus.firing(), PATIENCE).toContain('SelvedgePostgresDown')
    await expect.poll(() => prometheus.firing(), PATIENCE).toContain('SelvedgeArchiveStuck')
    const many = async () => {
      await login()
      return prometheus.firing()
    }
    await expect.poll(many, PATIENCE).toContain('SelvedgeErrors')
    server.postgres.start()
    await expect.poll(() => prometheus.firing(), PATIENCE).not.toContain('SelvedgeArchiveStuck')
  })

  it('has an alert when Redis stops', async () => {
    server.redis.stop()
    await expect.poll(() => prometheus.firing(), PATIENCE).toContain('SelvedgeRedisDown')
  })

  it('has an alert when a consumer cannot deliver', async () => {
    await expect.poll(() => prometheus.firing(), PATIENCE).not.toContain('SelvedgeConsumerBehind')
    gateway.answer('phone', { status: 500 })
    await alice.say(room, 'never taken')
    await expect.poll(() => prometheus.firing(), PATIENCE).toContain('SelvedgeConsumerBehind')
  })

  it('has an alert when answers take long', async () => {
    server.postgres.delay(3_000)
    const many = async () => {
      await Promise.all(Array.from({ length: 30 }, login))
      return prometheus.firing()
    }
    await expect.poll(many, PATIENCE).toContain('SelvedgeSlow')
  })

  it('has an alert when the server restarts again and again', async () => {
    const seen = async () => (await prometheus.query('selvedge_events_appended_total'))[0]?.value ?? 0
    for (let times = 0; times < 3; times += 1) {
      await alice.say(room, 'before a restart')
      await expect.poll(seen, PATIENCE).toBeGreaterThan(0)
      await server.restart()
      await expect.poll(seen, PATIENCE).toBe(0)
    }
    await expect.poll(() => prometheus.firing(), PATIENCE).toContain('SelvedgeRestarting')
  })

  it('has an alert when the server is not there', async () => {
    const other = await startServer({ 'metrics-token': TOKEN })
    const watching = await startPrometheus({ url: other.url, token: TOKEN }, SHORTENED)
    try {
      await expect.poll(() => watching.query('up{job="selvedge"} == 1'), PATIENCE).toHaveLength(1)
      await other.stop()
      await expect.poll(() => watching.firing(), PATIENCE).toEqual(['SelvedgeDown'])
    } finally {
      await watching.stop()
    }
  })
})

/** A file system of its own, which a test can fill; undefined where this process may not make one. */
function smallDisk(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'selvedge-disk-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128m', 'tmpfs', folder], { stdio: 'ignore' })
    return folder
  } catch {
    rmSync(folder, { recursive: true })
    return undefined
  }
}

const disk = programOf('prometheus') === undefined ? undefined : smallDisk()
const why = disk === undefined ? ' (skipped: it needs prometheus and the right to mount)' : ''

describe.skipIf(disk === undefined)(`a disk that fills${why}`, () => {
  let server: TestServer
  let prometheus: Prometheus
  beforeAll(async () => {
    server = await startServer({ 'data-dir': join(disk!, 'data'), 'metrics-token': TOKEN })
    prometheus = await startPrometheus({ url: server.url, token: TOKEN }, SHORTENED)
  })
  afterAll(async () => {
    await prometheus?.stop()
    rmSync(join(disk!, 'ballast'), { force: true })
    await server?.stop()
    execFileSync('umount', ['-l', disk!])
    rmSync(disk!, { recursive: true, force: true })
  })

  it('has an alert when a tenth is left, and another when nearly nothing is', async () => {
    await expect.poll(() => prometheus.query('selvedge:disk_free:ratio'), PATIENCE).toHaveLength(1)
    expect(await prometheus.firing()).toEqual([])
    fillTo(disk!, 0.08)
    await expect.poll(() => prometheus.firing(), PATIENCE).toEqual(['SelvedgeDiskFilling'])
    fillTo(disk!, 0.02)
    await expect
      .poll(() => prometheus.firing(), PATIENCE)
      .toEqual(['SelvedgeDiskFilling', 'SelvedgeDiskFull'])
  })
})

/** Leaves so much of a file system free. */
function fillTo(folder: string, share: number): void {
  const { bsize, blocks, bavail } = statfsSync(folder)
  const bytes = Math.floor((bavail - share * blocks) * bsize)
  writeFileSync(join(folder, 'ballast'), Buffer.alloc(bytes), { flag: 'a' })
}
