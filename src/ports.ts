/** The whole outside world on one page: what the capabilities and the objects may ask of it. */

import type { MediaIndex, MediaStore, PreviewPictures, Thumbnailer } from './ports/media.ts'
import type {
  AccountStore,
  AliasStore,
  ArchiveReader,
  ArchiveStore,
  DirectoryStore,
  RegistrationTokenStore,
  ReportStore,
  SearchStore,
} from './ports/postgres.ts'
import type { PushGateway } from './ports/push.ts'
import type {
  NonceStore,
  OpenIdTokenStore,
  RateLimiter,
  RendezvousStore,
  RoomNotes,
  SessionStore,
  UiaStore,
} from './ports/redis.ts'
import type { PreviewCache, WebClient } from './ports/web.ts'
import type { SigningKey } from './protocol/events/signing.ts'

export type * from './ports/media.ts'
export type * from './ports/postgres.ts'
export type * from './ports/push.ts'
export type * from './ports/redis.ts'
export type * from './ports/room.ts'
export type * from './ports/room-gateway.ts'
export type * from './ports/room-sync.ts'
export type * from './ports/user.ts'
export type * from './ports/web.ts'

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
  nonces: NonceStore
  roomNotes: RoomNotes
  openIdTokens: OpenIdTokenStore
  rendezvous: RendezvousStore
  limiter: RateLimiter
  media: MediaStore
  mediaIndex: MediaIndex
  previewPictures: PreviewPictures
  web: WebClient
  previews: PreviewCache
  thumbnailer: Thumbnailer
  push: PushGateway
  calls: CallCounters
}

/** The settings, as `src/config.ts` reads them from the environment. */
export interface Config {
  serverName: string
  /** Without a slash at its end. */
  publicUrl: string
  /** Which server this is; undefined: nothing is checked for it. */
  instanceId?: string
  /** Raised by a restore. */
  generation: number
  registration: 'open' | 'token' | 'closed'
  registrationSharedSecret?: string
  rateLimits: boolean
  presence: boolean
  /** Who is shown nothing any more of what an erased user said: those who join later, or all. */
  erasure: 'new-members' | 'everybody'
  guests: boolean
  /** Bytes. */
  maxUploadBytes: number
  /** What one user may upload in sum, bytes; 0: no bound. */
  maxMediaBytesPerUser: number
  urlPreviews: boolean
  /** Of pictures of previews, bytes; 0: no bound. */
  maxPreviewBytesPerUser: number
  maxPreviewBytes: number
  /** Whether media are served without a token too, for old clients. */
  openMedia: boolean
  /** For clients that refresh their tokens; those of others do not expire. */
  accessTokenLifetimeMs: number
  /** The TURN servers that clients are told of, with the secret they share with us. */
  turn?: { uris: string[]; secret: string }
  defaultRoomVersion: string
  /** Characters that a new password must have at least. */
  passwordMinLength: number
  passwordCost: 'normal' | 'low'
  logLevel: LogLevel
  /** Newest first: the first signs. */
  signingKeys: SigningKey[]
  /** Newest first: the first signs, all verify. */
  tokenKeys: TokenKey[]
  /** Who shows a token of theirs is logged out, and keeps their keys. */
  retiredTokenKeys: TokenKey[]
  /** The header in which a trusted proxy names the client's address. */
  clientAddressHeader?: string
  quotas: Quotas
  /** How long a request's body may take for each 64 KiB of it. */
  bodyTimeoutMs: number
  archiveDelayMs: number
  /** Whether requests to private addresses get through, and so those that are not encrypted may. */
  allowPrivateNetworks: boolean
  testHooks: boolean
}

/** What one user may have; 0: no bound. */
export interface Quotas {
  accountDataBytes: number
  keyBackupBytes: number
  filters: number
  devices: number
  /** Made by them, whatever room they name. */
  aliases: number
  /** Made by them, whether they are still in them or not. */
  rooms: number
}

/** A secret that access tokens are signed with. */
export interface TokenKey {
  id: string
  secret: Uint8Array
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'
export type LogFields = Record<string, string | number | boolean | undefined>

/** Never pass it content, tokens or passwords. */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /**
   * A warning that may come again and again: one line a minute and part at most, with the count of those since the
   * line before it.
   */
  trouble(part: string, message: string, fields?: LogFields): void
  /** A logger whose lines all carry these fields, such as the request id. */
  with(fields: LogFields): Logger
}

/** Counts what costs money, by operation: for /metrics and for the tests of the budgets. */
export interface CallCounters {
  count(name: string, n?: number): void
  snapshot(): Record<string, number>
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
}

export interface Random {
  bytes(length: number): Uint8Array
  /** A string of `length` characters of [A-Za-z0-9], about 5.95 bits each. */
  token(length: number): string
}
