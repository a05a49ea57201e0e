/** The status pages of the stores: Redis, Postgres, media. */
import { html } from 'hono/html'
import type { SlowCall } from '../../../src/ports/metrics.ts'
import type {
  KeyKinds,
  MediaFactsInSum,
  PostgresFacts,
  RedisFacts,
  TableFacts,
} from '../../../src/ports/store-facts.ts'
import type { Html } from '../frame.ts'
import type { Status, StatusPage } from './page.ts'
import { bytes, type Chart, charts, duration, number, share, table, tiles } from './parts.ts'

/** These pages ask the stores themselves. */
const EVERY_S = 30

const AWAY = { title: 'Now', value: 'is away', bad: true }

const REDIS_CHARTS: Chart[] = [
  { title: 'Requests', unit: 'per second', lines: { redis: 'requests' } },
  { title: 'Time to answer', unit: 'seconds', lines: { redisHalf: 'half', redisMost: '99 of 100' } },
  { title: 'Share of lookups that found something', unit: 'share', lines: { hitShare: 'found' } },
  { title: 'Memory', unit: 'bytes', lines: { redisMemory: 'memory' } },
]

interface RedisGiven {
  facts: RedisFacts | undefined
  kinds: KeyKinds | undefined
  slow: readonly SlowCall[]
}

export function redisPage(status: Status, { facts, kinds, slow }: RedisGiven): StatusPage {
  const { lookups, hits } = status.sample.totals
  const numbers = tiles([
    ...(facts === undefined ? [AWAY] : []),
    { title: 'Keys', value: number(facts?.keys) },
    { title: 'Memory', value: bytes(facts?.memoryBytes) },
    { title: 'Lookups that found something', value: lookups === 0 ? '–' : share(hits / lookups) },
    { title: 'Requests so far', value: number(status.sample.totals.redis) },
  ])
  const rows = (kinds?.kinds ?? []).map(({ kind, keys, shortestMs, longestMs, lasting }) => [
    kind,
    { number: number(keys) },
    { number: seconds(shortestMs) },
    { number: seconds(longestMs) },
    { number: number(lasting) },
  ])
  const which =
    kinds === undefined || kinds.isWhole ? 'Keys by kind' : `The first ${kinds.looked} keys by kind`
  const keys = table(
    which,
    [
      'kind',
      { number: 'keys' },
      { number: 'the first ends in' },
      { number: 'the last ends in' },
      { number: 'without an end' },
    ],
    rows,
    'There are no keys.',
  )
  const body = html`${numbers}${charts(REDIS_CHARTS)}${keys}${slowest(slow)}${stopwatch()}`
  return { status, name: 'redis', title: 'Redis', body, everyS: EVERY_S }
}

const POSTGRES_CHARTS: Chart[] = [
  { title: 'Requests', unit: 'per second', lines: { postgres: 'requests' } },
  { title: 'Time to answer', unit: 'seconds', lines: { postgresHalf: 'half', postgresMost: '99 of 100' } },
  { title: 'How far the archive is behind', unit: 'seconds', lines: { archiveLag: 'oldest' } },
  { title: 'Size', unit: 'bytes', lines: { postgresSize: 'size' } },
]

interface PostgresGiven {
  facts: PostgresFacts | undefined
  tables: readonly TableFacts[] | undefined
  slow: readonly SlowCall[]
}

export function postgresPage(status: Status, { facts, tables = [], slow }: PostgresGiven): StatusPage {
  const numbers = tiles([
    ...(facts === undefined ? [AWAY] : []),
    { title: 'Size', value: bytes(facts?.bytes) },
    { title: 'Archive behind', value: duration(status.points.at(-1)?.values.archiveLag) },
    { title: 'Requests so far', value: number(status.sample.totals.postgres) },
  ])
  const rows = tables.map(({ name, bytes: size, rows }) => [
    name,
    { number: bytes(size) },
    { number: number(rows) },
  ])
  const sizes = table(
    'The largest tables',
    ['table', { number: 'with its indexes' }, { number: 'rows, as Postgres estimates' }],
    rows,
    'Postgres does not answer.',
  )
  const body = html`${numbers}${charts(POSTGRES_CHARTS)}${sizes}${slowest(slow)}`
  return { status, name: 'postgres', title: 'Postgres', body, everyS: EVERY_S }
}

const MEDIA_CHARTS: Chart[] = [
  { title: 'Uploads', unit: 'bytes per second', lines: { uploaded: 'uploaded' } },
  { title: 'Downloads', unit: 'bytes per second', lines: { downloaded: 'downloaded' } },
]

export function mediaPage(status: Status, media: MediaFactsInSum | undefined): StatusPage {
  const { uploaded, downloaded } = status.sample.totals
  const numbers = tiles([
    ...(media === undefined ? [{ ...AWAY, title: 'The index in Postgres' }] : []),
    { title: 'Uploads kept', value: bytes(media?.bytes) },
    { title: 'Users that uploaded', value: number(media?.owners) },
    {
      title: 'Pictures of previews',
      value: media === undefined ? '–' : `${number(media.previews)}, ${bytes(media.previewBytes)}`,
    },
    { title: 'Uploaded so far', value: bytes(uploaded) },
    { title: 'Downloaded so far', value: bytes(downloaded) },
  ])
  const largest = table(
    'The most that single users keep',
    ['place', { number: 'bytes' }],
    (media?.largest ?? []).map((size, index) => [`${index + 1}.`, { number: bytes(size) }]),
    'Nobody has uploaded anything.',
  )
  return {
    status,
    name: 'media',
    title: 'Media',
    body: html`${numbers}${charts(MEDIA_CHARTS)}${largest}`,
    everyS: EVERY_S,
  }
}

function slowest(calls: readonly SlowCall[]): Html {
  return table(
    'The slowest requests of the last hour',
    [{ number: 'time' }, { number: 'at' }, 'what was asked'],
    calls.map(({ what, ms, at }) => [
      { number: duration(ms / 1000) },
      { number: new Date(at).toISOString().slice(11, 19) },
      what,
    ]),
    'There were none.',
  )
}

/** The script starts it, and writes what came. */
function stopwatch(): Html {
  return html`<section id="stopwatch"><h2>How fast is it?</h2>
<p>A thousand operations of Redis and a hundred updates of presence, timed from the Worker.</p>
<button type="button" hidden>Time them</button><output aria-live="polite"></output></section>`
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? '–' : duration(ms / 1000)
}
