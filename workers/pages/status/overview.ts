/** The first status page: what the whole server does. */
import { html } from 'hono/html'
import { VERSION } from '../../../src/version.ts'
import { gaugeIn } from '../../ops/status/sample.ts'
import type { Status, StatusPage } from './page.ts'
import { bytes, type Chart, charts, duration, number, share, table, tiles } from './parts.ts'

/** Of the requests: more that fail, and somebody should look. */
const MANY_FAIL = 0.05
/** The archive is late, s. */
const LATE = 300
/** Of the disk. */
const LITTLE_FREE = 0.1

const CHARTS: Chart[] = [
  { title: 'Requests', unit: 'per second', lines: { requests: 'answered', limited: 'refused: too many' } },
  {
    title: 'Time to answer, without what waits',
    unit: 'seconds',
    lines: { answersHalf: 'half', answersMost: '99 of 100' },
  },
  { title: 'Share of requests that fail', unit: 'share', lines: { failedShare: 'failed' } },
  { title: 'Messages and wakes', unit: 'per second', lines: { events: 'events', wakes: 'wakes' } },
  { title: 'How far the archive is behind', unit: 'seconds', lines: { archiveLag: 'oldest' } },
  { title: 'Who waits', unit: 'number', lines: { waiting: 'long polls', streams: 'streams' } },
  { title: 'Notifications', unit: 'per second', lines: { pushes: 'sent' } },
  { title: 'Memory of the Workers runtime', unit: 'bytes', lines: { memory: 'memory' } },
]

export function overview(status: Status): StatusPage {
  return {
    status,
    name: '',
    title: 'How the server is doing',
    body: html`${numbers(status)}${charts(CHARTS)}${consumers(status)}`,
    everyS: 5,
  }
}

function numbers({ sample, gauges, points }: Status) {
  const now = points.at(-1)?.values ?? {}
  const up = (store: string) => {
    const value = gaugeIn(gauges, 'store_up', { store })
    return { value: value === undefined ? '–' : value === 1 ? 'answers' : 'is away', bad: value === 0 }
  }
  const started = gaugeIn(gauges, 'process_start_time_seconds')
  const free = gaugeIn(gauges, 'disk_free_bytes')
  const freeShare = free === undefined ? undefined : free / (gaugeIn(gauges, 'disk_size_bytes') ?? free)
  return tiles([
    { title: 'Version', value: VERSION },
    { title: 'Runs for', value: started === undefined ? '–' : duration(sample.at / 1000 - started) },
    { title: 'Postgres', ...up('postgres') },
    { title: 'Redis', ...up('redis') },
    { title: 'Requests a second', value: number(now.requests) },
    { title: 'Requests that fail', value: share(now.failedShare), bad: (now.failedShare ?? 0) > MANY_FAIL },
    { title: 'Requests so far', value: number(sample.totals.requests) },
    { title: 'Events so far', value: number(sample.totals.events) },
    { title: 'Archive behind', value: duration(now.archiveLag), bad: (now.archiveLag ?? 0) > LATE },
    { title: 'Wait for news', value: number(gaugeIn(gauges, 'waiting_requests')) },
    { title: 'Open streams', value: number(gaugeIn(gauges, 'stream_sockets')) },
    {
      title: 'Free on the disk',
      value: free === undefined ? '–' : `${bytes(free)}, ${share(freeShare)}`,
      bad: freeShare !== undefined && freeShare < LITTLE_FREE,
    },
  ])
}

/** What follows commits, a row for each consumer that has had work. */
function consumers({ gauges }: Status) {
  const rows = gauges
    .filter(({ name }) => name === 'consumer_objects_behind')
    .map(({ labels, value }) => [
      labels.object ?? '',
      labels.consumer ?? '',
      { number: number(value) },
      { number: duration(gaugeIn(gauges, 'consumer_oldest_seconds', labels)) },
    ])
    .sort(([a, b], [x, y]) => (`${a}${b}` < `${x}${y}` ? -1 : 1))
  return table(
    'What follows a message',
    [
      'object',
      'consumer',
      { number: 'objects that have something left' },
      { number: 'the first of them for' },
    ],
    rows,
    'Nothing has happened yet, or this is one isolate of many.',
  )
}
