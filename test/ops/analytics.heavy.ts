/**
 * The sums of several isolates, by ClickHouse, whose SQL Analytics Engine speaks: what three of them have written comes
 * back as one isolate would have counted it. Needs Debian's package clickhouse-server, which CI does not install.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { analyticsEngine, type Dataset } from '../../src/metrics/analytics.ts'
import { exposition } from '../../src/metrics/exposition.ts'
import { Registry } from '../../src/metrics/registry.ts'
import { eventually } from '../support/eventually.ts'
import { freePort, needing } from '../support/real-servers.ts'
import { parseMetrics } from '../support/watching/metrics.ts'
import { standingClock } from '../support/world.ts'

const PROGRAM = '/usr/sbin/clickhouse-server'
const program = existsSync(PROGRAM) ? PROGRAM : undefined

/** As Analytics Engine has them. */
const COLUMNS = [
  'timestamp DateTime',
  '_sample_interval UInt32',
  'index1 String',
  ...numbered((n) => `blob${n} String`),
  ...numbered((n) => `double${n} Float64`),
]

function numbered<T>(make: (n: number) => T): T[] {
  return Array.from({ length: 20 }, (_, index) => make(index + 1))
}

describe.skipIf(program === undefined)(needing('ClickHouse', program, 'clickhouse-server'), () => {
  const clock = standingClock()
  const rows: Record<string, string | number>[] = []
  let url: string
  let stop = async () => {}

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'selvedge-clickhouse-'))
    const ports = [await freePort(), await freePort()]
    for (const name of ['data', 'tmp']) mkdirSync(join(folder, name))
    writeFileSync(join(folder, 'config.xml'), configOf(folder, ports))
    const child = spawn(program!, [`--config-file=${join(folder, 'config.xml')}`], { stdio: 'ignore' })
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    url = `http://127.0.0.1:${ports[0]}`
    stop = async () => {
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    }
    await eventually(
      () => fetch(url).catch(() => undefined),
      (answer) => answer?.ok === true,
      30_000,
    )
    await ask(`CREATE TABLE selvedge (${COLUMNS.join(', ')}) ENGINE = Memory`)
  })
  afterAll(() => stop())

  async function ask(body: string): Promise<string> {
    const answer = await fetch(url, { method: 'POST', body })
    const text = await answer.text()
    if (!answer.ok) throw new Error(text)
    return text
  }

  /** A row for each point; of some, the engine says that they stand for several. */
  const dataset: Dataset = {
    writeDataPoint({ indexes, blobs, doubles }) {
      rows.push({
        timestamp: Math.floor(clock.now() / 1000),
        _sample_interval: 1,
        index1: String(indexes[0]),
        ...Object.fromEntries(numbered((n) => [`blob${n}`, blobs[n - 1] ?? ''])),
        ...Object.fromEntries(numbered((n) => [`double${n}`, doubles[n - 1] ?? 0])),
      })
    },
  }
  const sleep = async () => {}
  const isolate = () => {
    const registry = new Registry()
    return { registry, gathered: analyticsEngine({ dataset, registry, clock, sleep, query: undefined }) }
  }
  const asked = () => {
    const query = {
      ...{ api: url, account: 'a', token: 't', dataset: 'selvedge' },
      fetch: ((_, init) => fetch(url, { method: 'POST', body: init?.body ?? null })) as typeof fetch,
    }
    return analyticsEngine({ dataset, registry: new Registry(), clock, sleep, query }).read!()
  }

  it('sums up what three isolates have written as one isolate would have counted it', async () => {
    const together = new Registry()
    const isolates = [isolate(), isolate(), isolate()]
    for (let index = 0; index < 600; index += 1) {
      const { registry, gathered } = isolates[index % 3]!
      for (const counts of [registry, together]) {
        const labels = { method: 'GET', route: `/r${index % 7}` }
        counts.count('http_requests_total', { ...labels, status: index % 50 === 0 ? '503' : '200' })
        // Halves are exact, in whatever order they are added up.
        counts.observe('http_request_duration_seconds', labels, (index % 90) / 2)
        counts.count('events_appended_total', {}, 2)
      }
      gathered.flush()
      clock.pass(1_000)
    }
    for (const { gathered } of [...isolates, ...isolates, ...isolates]) {
      clock.pass(20_000)
      gathered.flush()
    }
    await ask(`INSERT INTO selvedge FORMAT JSONEachRow\n${rows.map((row) => JSON.stringify(row)).join('\n')}`)
    const textOf = (series: Parameters<typeof exposition>[0]) =>
      [...parseMetrics(exposition(series, []))].sort()
    expect(textOf(await asked())).toEqual(textOf(together.all()))
  })

  it('multiplies a point that stands for several, and leaves out yesterday', async () => {
    const before = (await asked()).find(({ name }) => name === 'events_appended_total')!
    const point = (timestamp: number, interval: number) =>
      JSON.stringify({ timestamp, _sample_interval: interval, index1: 'events_appended_total', double1: 3 })
    const now = Math.floor(clock.now() / 1000)
    await ask(`INSERT INTO selvedge FORMAT JSONEachRow\n${point(now, 10)}\n${point(now - 86_400, 10)}`)
    const after = (await asked()).find(({ name }) => name === 'events_appended_total')!
    expect(after.values[0]! - before.values[0]!).toBe(30)
  })
})

function configOf(folder: string, [http, tcp]: number[]): string {
  const users = join(folder, 'users.xml')
  writeFileSync(
    users,
    `<yandex><profiles><default/></profiles><quotas><default/></quotas><users><default><password></password>
    <networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users></yandex>`,
  )
  return `<yandex><logger><level>none</level></logger><listen_host>127.0.0.1</listen_host>
  <http_port>${http}</http_port><tcp_port>${tcp}</tcp_port><path>${folder}/data/</path><tmp_path>${folder}/tmp/</tmp_path>
  <users_config>${users}</users_config><default_profile>default</default_profile>
  <default_database>default</default_database><mark_cache_size>5368709</mark_cache_size></yandex>`
}
