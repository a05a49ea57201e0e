/** The part of a User object's RPC surface that speaks of keys for encryption: devices', one-time and cross-signing keys. */
import type {
  KeyClaims,
  KeyUpload,
  PrivateKeys,
  PublicKeys,
  SignatureUpload,
} from '../../../src/objects/user/keys.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import type { CrossSigningKeys } from '../../../src/protocol/keys/cross-signing.ts'
import { type RpcResult, toResult, toResultAsync } from '../../rpc.ts'
import { SettingsRpc } from '../settings/settings-rpc.ts'
import { parseSyncToken } from '../sync/sync-token.ts'
import { crossSigningKeys, putCrossSigningKeys, signaturesOn } from './cross-signing.ts'
import { claimKeys, oneTimeKeyCounts } from './device-keys.ts'
import { publicKeys, uploadKeys } from './key-sets.ts'
import { uploadSignatures } from './signatures.ts'

export abstract class KeysRpc extends SettingsRpc {
  uploadKeys(session: Session, upload: KeyUpload): Promise<RpcResult<Record<string, number>>> {
    return toResultAsync(async () => {
      const { account, sql, mutate, userId, polls, beforeAnswer } = this.host
      account.check(session)
      const { deviceId } = session
      mutate(() => {
        const archive = uploadKeys(sql, { userId: userId(), deviceId }, upload)
        return { value: undefined, archive, deviceLists: archive.length > 0 ? [userId()] : [] }
      })
      polls().keysCounted(deviceId)
      await beforeAnswer()
      return oneTimeKeyCounts(sql, deviceId)
    })
  }

  publicKeys(deviceIds: string[]): RpcResult<PublicKeys> {
    return toResult(() => publicKeys(this.host.sql, this.host.userId(), deviceIds))
  }

  privateKeys(session: Session, userIds: string[]): RpcResult<PrivateKeys> {
    return this.checked(session, () => {
      const { sql } = this.host
      const { user_signing: userSigning } = crossSigningKeys(sql)
      const keys: PrivateKeys = { signatures: {} }
      if (userSigning === undefined) return keys
      keys.userSigning = userSigning
      for (const other of userIds) Object.assign(keys.signatures, signedOf(sql, other))
      return keys
    })
  }

  claimKeys(claims: KeyClaims) {
    return toResultAsync(async () => {
      const { sql, mutate, polls, beforeAnswer } = this.host
      const claimed = mutate(() => ({ value: claimKeys(sql, claims), archive: [] }))
      for (const deviceId of Object.keys(claimed)) polls().keysCounted(deviceId)
      await beforeAnswer()
      return claimed
    })
  }

  uploadCrossSigning(session: Session, keys: CrossSigningKeys, confirmed: boolean): RpcResult<boolean> {
    return this.checked(session, () => {
      const { sql, mutate, userId } = this.host
      return mutate(() => {
        const archive = putCrossSigningKeys(sql, userId(), keys, confirmed)
        if (archive === 'unconfirmed') return { value: false, archive: [] }
        const deviceLists = archive.length > 0 ? [userId()] : []
        return { value: true, archive, deviceLists, privately: archive.every(isPrivate) }
      })
    })
  }

  uploadSignatures(session: Session, upload: SignatureUpload) {
    return this.checked(session, () => {
      const { sql, mutate, userId } = this.host
      return mutate(() => {
        const { failures, archive, touched } = uploadSignatures(sql, userId(), upload)
        return { value: failures, archive, deviceLists: touched }
      })
    })
  }

  keyChanges(session: Session, from: string, to: string) {
    return toResultAsync(async () => {
      this.host.account.check(session)
      parseSyncToken(to)
      // What came after `to` is told as well: too much does no harm.
      return this.host.polls().deviceLists(session, from)
    })
  }

  isInAny(roomIds: string[]): RpcResult<boolean> {
    return toResult(() => {
      const { memberships } = this.host.polls()
      return roomIds.some((roomId) => memberships.byId(roomId)?.membership === 'join')
    })
  }
}

/** The user-signing key, and what it has signed, are shown to the user alone. */
function isPrivate({ kind, key }: Omit<UserLogEntry, 'seq'>): boolean {
  return kind === 'key_signature' || (kind === 'cross_signing_key' && key === 'user_signing')
}

function signedOf(sql: SqlStorage, userId: string): PrivateKeys['signatures'] {
  const query = 'SELECT DISTINCT target FROM key_signatures WHERE target_user = ?'
  const rows = sql.exec<{ target: string }>(query, userId).toArray()
  return Object.fromEntries(rows.map(({ target }) => [target, signaturesOn(sql, userId, target)]))
}
