/** The whole outside world on one page: what the capabilities and the objects may ask of it. */
import type { AccountStore, RegistrationTokenStore } from './accounts.ts'
import type { ArchiveReader, ArchiveStore } from './archive.ts'
import type { MediaBuckets, MediaMover } from './bucket.ts'
import type { Config } from './config.ts'
import type { AliasStore, DirectoryStore, RoomNotes } from './directory.ts'
import type { FederationClient, KeyRing } from './federation.ts'
import type { DeepHealth } from './health.ts'
import type { Logger } from './log.ts'
import type { MediaIndex, MediaStore, PreviewPictures, Thumbnailer } from './media.ts'
import type { Backlogs, GatheredMetrics, MetricsReader, SlowCalls } from './metrics.ts'
import type { PlacementCheck } from './placement.ts'
import type { PushGateway } from './push.ts'
import type { RateLimiter } from './rate-limits.ts'
import type { RendezvousStore } from './rendezvous.ts'
import type { ReportStore } from './reports.ts'
import type { SearchStore } from './search.ts'
import type { NonceStore, OpenIdTokenStore, SessionStore, UiaStore } from './sessions.ts'
import type { KeySets } from './sign-in.ts'
import type { StoreFacts } from './store-facts.ts'
import type { CallCounters, Clock, Random } from './system.ts'
import type { SpanSink } from './traces.ts'
import type { PreviewCache, WebClient } from './web.ts'

/** Everything the capabilities get from outside; functions take `Pick<Ports, …>` of what they use. */
export interface Ports {
  config: Config
  clock: Clock
  random: Random
  log: Logger
  accounts: AccountStore
  registrationTokens: RegistrationTokenStore
  aliases: AliasStore
  directory: DirectoryStore
  search: SearchStore
  reports: ReportStore
  archive: ArchiveStore
  archiveReader: ArchiveReader
  sessions: SessionStore
  uia: UiaStore
  keySets: KeySets
  nonces: NonceStore
  roomNotes: RoomNotes
  openIdTokens: OpenIdTokenStore
  rendezvous: RendezvousStore
  limiter: RateLimiter
  media: MediaStore
  /** The stores that are set up, each by itself. */
  mediaBuckets: MediaBuckets
  mediaMover: MediaMover
  mediaIndex: MediaIndex
  previewPictures: PreviewPictures
  web: WebClient
  previews: PreviewCache
  thumbnailer: Thumbnailer
  push: PushGateway
  federation: FederationClient
  keyRing: KeyRing
  placement: PlacementCheck
  deepHealth: DeepHealth
  calls: CallCounters
  metrics: MetricsReader
  /** Where isolates hand their counts on; undefined where one isolate counts everything. */
  gathered: GatheredMetrics | undefined
  backlogs: Backlogs
  slowCalls: SlowCalls
  storeFacts: StoreFacts
  /** Where traces go; undefined: nothing is traced. */
  traces: SpanSink | undefined
}
