/** What is counted: one table, from which names, labels and help of `/metrics` come, and the port by which it is counted. */

interface MetricRow {
  kind: 'counter' | 'histogram'
  help: string
  /** Each has few values: a label never names a room, a user or a path. */
  labels: readonly string[]
  /** Upper bounds in seconds, of a histogram: 18 at most, since a point of Analytics Engine has 20 numbers. */
  buckets?: readonly number[]
}

/** From a warm send to a long poll that ends with nothing. */
const REQUESTS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const
/** One question to a database. */
const CALLS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15] as const
/** What follows a commit: at once, with the next batch, or after an outage. */
const FOLLOWING = [0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 21600, 86400] as const

/** The names stand without `selvedge_`, which is in front of each. */
export const METRICS = {
  http_requests_total: {
    kind: 'counter',
    help: 'Requests answered.',
    labels: ['method', 'route', 'status'],
  },
  http_request_duration_seconds: {
    kind: 'histogram',
    help: 'Time from request to answer, long polls included.',
    labels: ['method', 'route'],
    buckets: REQUESTS,
  },
  rate_limited_requests_total: {
    kind: 'counter',
    help: 'Requests refused since there were too many, by the class of their endpoint.',
    labels: ['class'],
  },
  object_requests_total: {
    kind: 'counter',
    help: 'Calls to objects, by kind and operation.',
    labels: ['object', 'operation'],
  },
  events_appended_total: { kind: 'counter', help: 'Events appended to rooms.', labels: [] },
  wakes_total: {
    kind: 'counter',
    help: 'Users told by rooms that there is news: taken, ended (the user no longer looks), or unanswered.',
    labels: ['outcome'],
  },
  long_polls_total: { kind: 'counter', help: 'Requests that could wait for news.', labels: [] },
  stream_sockets_opened_total: { kind: 'counter', help: 'Streams opened.', labels: [] },
  stream_sockets_closed_total: { kind: 'counter', help: 'Streams that have ended.', labels: [] },
  consumer_runs_total: {
    kind: 'counter',
    help: 'Runs of what follows commits: done, left (there is more), or failed.',
    labels: ['object', 'consumer', 'outcome'],
  },
  consumer_lag_seconds: {
    kind: 'histogram',
    help: 'Time from the first commit that a consumer had to follow until nothing was left for it.',
    labels: ['object', 'consumer'],
    buckets: FOLLOWING,
  },
  pushes_total: {
    kind: 'counter',
    help: 'Notifications to push gateways: delivered, rejected (the gateway refuses the pusher), or failed.',
    labels: ['outcome'],
  },
  federation_requests_total: {
    kind: 'counter',
    help: 'Requests to other servers: ok, refused (an error was the answer), unfit (not what was asked for), or unreachable.',
    labels: ['outcome'],
  },
  federation_events_total: {
    kind: 'counter',
    help: 'Events of other servers: taken, staged (something is missing), rejected, dropped (malformed or not signed), denied by the list of servers, or of an unknown room.',
    labels: ['outcome'],
  },
  federation_bounds_total: {
    kind: 'counter',
    help: 'What a bound of federation ended: transactions refused (429), staged events dropped, resolutions put off, fetches cut short, states too large, servers left alone, invites refused.',
    labels: ['bound'],
  },
  media_bytes_total: {
    kind: 'counter',
    help: 'Bytes of media, uploaded or downloaded.',
    labels: ['direction'],
  },
  media_store_requests_total: {
    kind: 'counter',
    help: 'Operations on the object storage, as they are billed: writes or reads.',
    labels: ['class'],
  },
  thumbnails_made_total: { kind: 'counter', help: 'Thumbnails made.', labels: [] },
  redis_request_duration_seconds: {
    kind: 'histogram',
    help: 'Requests to Redis: ok, refused, or unavailable.',
    labels: ['outcome'],
    buckets: CALLS,
  },
  redis_commands_total: { kind: 'counter', help: 'Commands to Redis.', labels: [] },
  redis_lookups_total: {
    kind: 'counter',
    help: 'Keys looked up in Redis: hit or miss.',
    labels: ['result'],
  },
  postgres_request_duration_seconds: {
    kind: 'histogram',
    help: 'Requests to Postgres: ok, refused, or unavailable.',
    labels: ['outcome'],
    buckets: CALLS,
  },
  trace_spans_total: {
    kind: 'counter',
    help: 'Spans of traces: exported, or lost since the collector did not take them.',
    labels: ['outcome'],
  },
} as const satisfies Record<string, MetricRow>

export type MetricName = keyof typeof METRICS
type OfKind<K> = { [N in MetricName]: (typeof METRICS)[N]['kind'] extends K ? N : never }[MetricName]
export type CounterName = OfKind<'counter'>
export type HistogramName = OfKind<'histogram'>
export type LabelsOf<N extends MetricName> = Record<(typeof METRICS)[N]['labels'][number], string>

/** How things stand when they are asked for. */
export const GAUGES = {
  info: { help: 'The version that runs.', labels: ['version'] },
  waiting_requests: { help: 'Requests that wait for news, on one machine.', labels: [] },
  stream_sockets: { help: 'Open streams, on one machine.', labels: [] },
  consumer_objects_behind: {
    help: 'Objects with something left for a consumer of their commits.',
    labels: ['object', 'consumer'],
  },
  consumer_oldest_seconds: {
    help: 'How long the object that waits longest has had something left for a consumer; 0 if none has.',
    labels: ['object', 'consumer'],
  },
  store_up: { help: 'Whether a store answers.', labels: ['store'] },
  redis_memory_bytes: { help: 'Memory that Redis uses; of the embedded one its file.', labels: [] },
  redis_keys: { help: 'Keys in Redis.', labels: [] },
  postgres_size_bytes: { help: 'Size of the database in Postgres.', labels: [] },
  disk_size_bytes: { help: 'Size of the file system that holds the data folder.', labels: [] },
  disk_free_bytes: { help: 'What is free on it.', labels: [] },
  process_resident_memory_bytes: { help: 'Memory of a process.', labels: ['process'] },
  process_start_time_seconds: { help: 'When a process was started, since the epoch.', labels: ['process'] },
} as const satisfies Record<string, { help: string; labels: readonly string[] }>

export type GaugeName = keyof typeof GAUGES

export interface Gauge<N extends GaugeName = GaugeName> {
  name: N
  labels: Record<string, string>
  value: number
}

/** Counts in this isolate. */
export interface Metrics {
  count<N extends CounterName>(name: N, labels: LabelsOf<N>, n?: number): void
  observe<N extends HistogramName>(name: N, labels: LabelsOf<N>, seconds: number): void
}

/**
 * The counts of one set of labels: of a counter one number, of a histogram a number for each bucket (what lies above the
 * last bound comes last), and then the sum of what was observed.
 */
export interface Series {
  name: MetricName
  /** In the order of the table. */
  labels: readonly string[]
  values: readonly number[]
}

/** The same, and what has been counted. */
export interface MetricsReader extends Metrics {
  /** All that was counted since this isolate began. */
  all(): Series[]
}

/** Counts that are summed elsewhere than in this isolate. */
export interface GatheredMetrics {
  /** Hands on what was counted since it did so last, if that is long ago. */
  flush(): void
  /** As `flush`, and keeps `later` at work until what was counted since can be handed on. */
  flushBeside(later: (work: Promise<void>) => void): void
  /** The sums over all isolates; undefined where they can only be asked for elsewhere. */
  read?(): Promise<Series[]>
}

export type ObjectName = 'room' | 'user'

/** One object, as it tells of what it has still to deliver. */
export interface Following {
  /** A commit has given a consumer work. */
  given(consumer: string): void
  /** A consumer ran, from `startedAt` (ms) on: nothing is left of what it was given before, something is, or it failed. */
  ran(consumer: string, outcome: 'done' | 'left' | 'failed', startedAt: number): void
}

/** How far a kind of object is behind with one of its consumers. */
export interface Backlog {
  object: ObjectName
  consumer: string
  /** Objects that have something left. */
  behind: number
  /** How long the first of them has had it. */
  oldestMs: number
}

/** What the objects of this isolate have still to deliver. */
export interface Backlogs {
  /** @param consumers what follows commits, by the names of the rows in `consumers.ts` */
  of(object: ObjectName, id: string, consumers: ReadonlySet<string>): Following
  all(): Backlog[]
}

/** A call to a store that took long, as the status pages show it. */
export interface SlowCall {
  /** The statement without its values, or the command with the kind of its key. */
  what: string
  ms: number
  /** ms since the epoch. */
  at: number
}

export type Store = 'postgres' | 'redis'

/** The slowest calls of this isolate, lately. */
export interface SlowCalls {
  note(store: Store, call: SlowCall): void
  /** The slowest first. */
  slowest(store: Store): SlowCall[]
}
