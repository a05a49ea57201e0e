/** Keys for encryption, as devices upload and others claim them. */
import type { JsonObject } from '../../protocol/events/canonical-json.ts'
import type { SignatureFailure } from '../../protocol/keys/cross-signing.ts'

/** What a device uploads; nothing of it is checked yet. */
export interface KeyUpload {
  deviceKeys?: JsonObject
  oneTimeKeys?: JsonObject
  fallbackKeys?: JsonObject
}

/** MSC3814: a device without a session, sealed by the client that made it. */
export interface DehydratedDevice {
  deviceId: string
  data: JsonObject
}

export interface DehydratedUpload extends DehydratedDevice {
  displayName?: string
  keys: KeyUpload & { deviceKeys: JsonObject }
}

export interface DehydratedEvents {
  events: JsonObject[]
  /** Where the next page begins; absent where nothing came. */
  last?: number
}

/** Algorithms by device id. */
export type KeyClaims = Record<string, string>

/** What everybody may see of a user's keys, with the signatures that everybody may see. */
export interface PublicKeys {
  devices: Record<string, JsonObject>
  master?: JsonObject
  selfSigning?: JsonObject
}

/** What the user alone sees besides. */
export interface PrivateKeys {
  userSigning?: JsonObject
  /** By user, the signatures on their master keys: by key id. */
  signatures: Record<string, Record<string, string>>
}

/** Objects that a user has signed, by the device id or key they are of. */
export interface SignatureUpload {
  own: Record<string, JsonObject>
  /** Others' master keys by user; `stored` is what their own object has. */
  others: Record<string, Record<string, { signed: JsonObject; stored?: JsonObject }>>
}

/** By user and by the device id or key. */
export type SignatureFailures = Record<string, Record<string, SignatureFailure>>

/** Where a backed-up room key belongs; with less, all below that. */
export interface KeyPlace {
  roomId?: string
  sessionId?: string
}

export interface BackedUpKey {
  roomId: string
  sessionId: string
  /** JSON. */
  data: string
}

/** Client-Server API §Server-side key backups: it changes when the stored keys do. */
export interface KeyBackupState {
  etag: string
  count: number
}

/** The state after some keys were deleted, and whether more of them are left. */
export interface DeletedKeys {
  state: KeyBackupState
  more: boolean
}

export interface KeyBackupVersion extends KeyBackupState {
  algorithm: string
  auth_data: JsonObject
  version: string
}
