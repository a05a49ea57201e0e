/** The Worker's bindings: the same names under `wrangler deploy` and on one machine. */

export interface Env {
  ROOM: DurableObjectNamespace
  USER: DurableObjectNamespace
  /** Not needed where `MEDIA_STORE` is another. */
  MEDIA?: R2Bucket
  /** Used only with `EVENT_STREAM`. */
  PARTITION: DurableObjectNamespace
  /** Used only with `FEDERATION`. */
  DESTINATION: DurableObjectNamespace
  /** The Worker that makes thumbnails: its `Thumbnails` entrypoint. */
  THUMBNAILS: Service
  /** Where isolates write what they have counted; without it each one knows its own counts alone. */
  ANALYTICS?: AnalyticsEngineDataset
  /** One machine only: the way to the collector of traces, which is on the machine as a rule. */
  OTLP?: Fetcher
  /** One machine only: what the launcher knows of the machine. */
  MACHINE?: Fetcher
  /** One machine only: the Postgres endpoint that speaks the Neon driver's protocol. */
  PG?: Fetcher
  /** One machine only: the Redis endpoint that speaks Upstash's REST protocol. */
  REDIS?: Fetcher
  /** One machine only: the way to the operator's own S3 or Kubo, which may stand on a private address. */
  STORES?: Fetcher
  DATABASE_URL: string
  UPSTASH_REDIS_REST_URL: string
  UPSTASH_REDIS_REST_TOKEN: string
  SERVER_NAME: string
  PUBLIC_URL: string
  /**
   * JSON list, newest first: `[{"id":"ed25519:a_b1","seed":"<unpadded base64 of 32 bytes>"}]`. With `expired_ts`, ms, a
   * key signs nothing more.
   */
  SIGNING_KEYS: string
  /** JSON list, newest first: `[{"id":"k1","secret":"<unpadded base64 of 32 bytes>"}]`. */
  TOKEN_KEYS: string
  /** Which server this is: a database that carries another id is refused. Without it nothing is checked. */
  INSTANCE_ID?: string
  /** Raised by a restore: what was handed out before it is no longer believed. Default 0. */
  GENERATION?: string
  /** The jurisdiction that objects live in. Fixed by the first deployment. */
  JURISDICTION?: string
  /** The place near which objects are made. Fixed by the first deployment. */
  LOCATION_HINT?: string
  /** How long `/health?deep` believes what Postgres last said, ms: 300000 or more, or 0. Default 900000. */
  HEALTH_POSTGRES_MS?: string
  REGISTRATION?: 'open' | 'token' | 'closed'
  REGISTRATION_SHARED_SECRET?: string
  /** How many Rooms the first syncs of one isolate ask at once. Default 150. */
  ROOMS_ASKED_AT_ONCE?: string
  /** Who is asked whether a session is alive: the User object, or first Redis' copy of it. Default object. */
  SESSION_CACHE?: 'object' | 'redis'
  RATE_LIMITS?: 'on' | 'off'
  /** Whether people see each other's presence. */
  PRESENCE?: 'on' | 'off'
  /** How long a user without a sign of life still counts as there, ms. Default 300000. */
  PRESENCE_TIMEOUT_MS?: string
  /** Whether the page is served that shows what the stream does. */
  DEMO?: 'on' | 'off'
  /** The origins whose pages may open a stream, with commas between them. Default: all. */
  STREAM_ORIGINS?: string
  /** Whether all that happens is told on the event stream: `docs/event-stream.md`. */
  EVENT_STREAM?: 'on' | 'off'
  /** How long a record of the event stream is kept, ms, and how many bytes of a topic in each partition. */
  EVENT_STREAM_RETENTION_MS?: string
  EVENT_STREAM_RETENTION_BYTES?: string
  ERASURE?: 'new-members' | 'everybody'
  GUESTS?: 'on' | 'off'
  /** The largest upload, bytes. Default 52428800. */
  MAX_UPLOAD_BYTES?: string
  /** What one user may upload in sum, bytes; 0: no bound. Default 10737418240. */
  MAX_MEDIA_BYTES_PER_USER?: string
  /** Of pictures of previews, what is kept for one user and in all, bytes; 0: no bound. Default 1073741824 and 10737418240. */
  MAX_PREVIEW_BYTES_PER_USER?: string
  MAX_PREVIEW_BYTES?: string
  /** What one user may keep as account data, tags included. 0: no bound. Default 16777216. */
  MAX_ACCOUNT_DATA_BYTES_PER_USER?: string
  /** What one user may keep in backups of room keys. 0: no bound. Default 268435456. */
  MAX_KEY_BACKUP_BYTES_PER_USER?: string
  /** How many filters one user may store. 0: no bound. Default 1000. */
  MAX_FILTERS_PER_USER?: string
  /** How many devices one user may have. 0: no bound. Default 1000. */
  MAX_DEVICES_PER_USER?: string
  /** How many room aliases one user may have made. 0: no bound. Default 1000. */
  MAX_ALIASES_PER_USER?: string
  /** How many rooms one user may make. 0: no bound. Default 10000. */
  MAX_ROOMS_PER_USER?: string
  /** Where new media go. Default r2. */
  MEDIA_STORE?: 'r2' | 's3' | 'ipfs'
  /** Any S3: with these five it is read, and written where `MEDIA_STORE` is `s3`. The region's default is us-east-1. */
  S3_ENDPOINT?: string
  S3_BUCKET?: string
  S3_REGION?: string
  S3_ACCESS_KEY_ID?: string
  S3_SECRET_ACCESS_KEY?: string
  /** Whether the bucket stands in the path, `on`, or before the host. Default on. */
  S3_PATH_STYLE?: 'on' | 'off'
  /** The address of a Kubo's RPC API, and its secret as `API.Authorizations` of its settings has it. */
  IPFS_API?: string
  IPFS_API_SECRET?: string
  /** Whether the server looks at web pages for clients that want to show them. */
  URL_PREVIEWS?: 'on' | 'off'
  /** Whether media are served without a token too, for old clients. */
  OPEN_MEDIA?: 'on' | 'off'
  /** How long an access token with a refresh token beside it lives, ms. Default 3600000. */
  ACCESS_TOKEN_LIFETIME_MS?: string
  /** JSON list of the systems whose tokens sign their users in: `docs/applications.md`. */
  TOKEN_ISSUERS?: string
  /** TURN servers, with commas between them; with `TURN_SECRET`. */
  TURN_URIS?: string
  TURN_SECRET?: string
  /** Whether this server shares rooms with others. Default off. */
  FEDERATION?: 'on' | 'off'
  /** Servers that are asked for the keys of others, with commas between them; `none`. Default matrix.org. */
  KEY_NOTARIES?: string
  DEFAULT_ROOM_VERSION?: string
  /** Default 8; 1 where passwords are cheap. */
  PASSWORD_MIN_LENGTH?: string
  PASSWORD_COST?: 'normal' | 'low'
  LOG_LEVEL?: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  /** Of the requests that succeed, the share that has a line in the log. Default 1. */
  LOG_SAMPLE?: string
  /** Header in which a trusted proxy names the client's address; none: the peer counts, where the runtime names it. */
  CLIENT_ADDRESS_HEADER?: string
  /** How long a request's body may take for each 64 KiB of it, ms. Default 30000. */
  BODY_TIMEOUT_MS?: string
  /** How long a room gathers changes for the archive, ms. Default 1000. */
  ARCHIVE_DELAY_MS?: string
  /** One machine only: whether the runtime lets requests to private addresses through. */
  ALLOW_PRIVATE_NETWORKS?: 'on' | 'off'
  /** What `/metrics` and the status pages ask for. Without it: the operator's token, or an administrator's. */
  METRICS_TOKEN?: string
  /** With the binding ANALYTICS: the account, and an API token that may read its Analytics Engine. */
  ANALYTICS_ACCOUNT?: string
  ANALYTICS_TOKEN?: string
  /** The dataset that ANALYTICS is bound to. Default selvedge. */
  ANALYTICS_DATASET?: string
  /** Where the sums are asked for. Default https://api.cloudflare.com/client/v4. */
  ANALYTICS_API?: string
  /** Where traces go by OTLP over HTTP, as the OpenTelemetry variables of these names; `/v1/traces` is added. */
  OTEL_EXPORTER_OTLP_ENDPOINT?: string
  /** `name=value`, with commas between them. */
  OTEL_EXPORTER_OTLP_HEADERS?: string
  /** The share of requests that have a trace. Default 0.01. */
  TRACE_SAMPLE?: string
  /** `on` only in tests: opens `/_selvedge/test/*` and the fault hooks. */
  TEST_HOOKS?: string
  /** One machine only: the secret by which the launcher proves itself. */
  LAUNCHER_SECRET?: string
}
