/** The settings, as the capabilities and the objects read them. */

import type { SigningKey } from '../protocol/events/signing.ts'
import type { MediaStoreName } from './bucket.ts'
import type { LogLevel } from './log.ts'
import type { Placement } from './placement.ts'
import type { TokenIssuer } from './sign-in.ts'

/** Where an S3 is, and how it knows us. */
export interface S3Settings {
  /** With a path where the server has one. */
  endpoint: string
  bucket: string
  region: string
  accessKeyId: string
  secretAccessKey: string
  /** The bucket stands in the path; otherwise before the host. */
  pathStyle: boolean
}

/** Where the RPC API of a Kubo is, and the `Authorization` that it wants. */
export interface IpfsSettings {
  api: string
  authorization?: string
}

/** The settings, as `src/config.ts` reads them from the environment. */
export interface Config {
  serverName: string
  /** Without a slash at its end. */
  publicUrl: string
  /** Which server this is; undefined: its databases are not checked for it. */
  instanceId?: string
  /** Raised by a restore. */
  generation: number
  /** Where the objects are made. */
  placement: Placement
  registration: 'open' | 'token' | 'closed'
  registrationSharedSecret?: string
  /** How many Rooms the first syncs of one isolate ask at once. */
  roomsAskedAtOnce: number
  /** Who says whether an access token's session is alive: the User object alone, or first Redis' copy of it. */
  sessionCache: 'object' | 'redis'
  rateLimits: boolean
  presence: boolean
  /** A user without a sign of life for so long is gone, ms. */
  presenceTimeoutMs: number
  /** Whether the page is served that shows what the stream does. */
  demo: boolean
  /** The origins whose pages may open a stream; undefined: all. */
  streamOrigins?: string[]
  /** All that happens is told on the event stream, which keeps it for a while. */
  eventStream: {
    on: boolean
    /** `bytes`: of a topic in each partition. */
    retention: { ageMs: number; bytes: number }
  }
  /** From which users an erased user's messages are hidden: from those that join later, or from all. */
  erasure: 'new-members' | 'everybody'
  guests: boolean
  /** Bytes. */
  maxUploadBytes: number
  /** What one user may upload in sum, bytes; 0: no bound. */
  maxMediaBytesPerUser: number
  /** Where new media go; what else is set up here is read too. */
  mediaStore: MediaStoreName
  s3?: S3Settings
  ipfs?: IpfsSettings
  urlPreviews: boolean
  /** Of pictures of previews, bytes; 0: no bound. */
  maxPreviewBytesPerUser: number
  maxPreviewBytes: number
  /** Whether media are served without a token too, for old clients. */
  openMedia: boolean
  /** For clients that refresh their tokens; those of others do not expire. */
  accessTokenLifetimeMs: number
  /** The systems whose tokens sign their users in. */
  tokenIssuers: TokenIssuer[]
  /** The TURN servers that clients are told of, with the secret they share with us. */
  turn?: { uris: string[]; secret: string }
  defaultRoomVersion: string
  /** Characters that a new password must have at least. */
  passwordMinLength: number
  passwordCost: 'normal' | 'low'
  /** What `/metrics`, the status pages and the deep health check ask for. */
  metricsToken?: string
  /** Where the sums of many isolates are asked for. */
  analytics?: { api: string; account: string; token: string; dataset: string }
  /** Where traces go, and the share of requests that have one: from 0 to 1. */
  traces?: { url: string; headers: Record<string, string>; sample: number }
  logLevel: LogLevel
  /** Of the requests that succeed, the share that has a line in the log: from 0 to 1. */
  logSample: number
  /** Newest first: the first signs. */
  signingKeys: SigningKey[]
  /** Keys that sign nothing more, by which others still check what they signed. */
  endedSigningKeys: EndedKey[]
  federation: FederationSettings
  /** Newest first: the first signs, all verify. */
  tokenKeys: TokenKey[]
  /** A token signed with one of these gets a soft logout: the client keeps its keys. */
  retiredTokenKeys: TokenKey[]
  /** The header in which a trusted proxy names the client's address. */
  clientAddressHeader?: string
  quotas: Quotas
  /** How long a request's body may take for each 64 KiB of it. */
  bodyTimeoutMs: number
  /** How long the deep health check believes what Postgres last said, ms; 0: it asks each time. */
  healthPostgresMs: number
  archiveDelayMs: number
  /** Whether requests to private addresses get through, and so those that are not encrypted may. */
  allowPrivateNetworks: boolean
  testHooks: boolean
}

/** Whether this server speaks to others. */
export interface FederationSettings {
  on: boolean
  /** Servers that are asked for the keys of others; none: each server is asked for its own alone. */
  notaries: string[]
}

/** A key that this server signed with until `endedAt`, ms. */
export interface EndedKey {
  id: string
  publicKey: string
  endedAt: number
}

/** What one user may have; 0: no bound. */
export interface Quotas {
  accountDataBytes: number
  keyBackupBytes: number
  filters: number
  devices: number
  /** Aliases that the user made, whatever room they name. */
  aliases: number
  /** Rooms that the user made, whether or not the user is still in them. */
  rooms: number
}

/** A secret that access tokens are signed with. */
export interface TokenKey {
  id: string
  secret: Uint8Array
}
