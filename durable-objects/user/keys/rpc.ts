/** What is asked of a User object about keys for encryption: devices', one-time and cross-signing keys. */
import type {
  KeyClaims,
  KeyUpload,
  PrivateKeys,
  PublicKeys,
  SignatureFailures,
  SignatureUpload,
} from '../../../src/objects/user/keys.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import type { JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import type { CrossSigningKeys } from '../../../src/protocol/keys/cross-signing.ts'
import { rpcTable } from '../../rpc-table.ts'
import type { UserHost } from '../host.ts'
import { parseSyncToken } from '../sync/sync-token.ts'
import { crossSigningKeys, putCrossSigningKeys, signaturesOn, signedOf } from './cross-signing.ts'
import { claimKeys, oneTimeKeyCounts } from './device-keys.ts'
import { publicKeys, uploadKeys } from './key-sets.ts'
import { uploadSignatures } from './signatures.ts'

export const keysRpc = rpcTable<UserHost>()({
  /**
   * Stores what a device publishes, and answers how many one-time keys it has left.
   * @throws MatrixError M_INVALID_PARAM, M_INVALID_SIGNATURE: nothing of it was stored then
   */
  uploadKeys: {
    session: 'checked',
    repeatable: true,
    async run(host, { deviceId }: Session, upload: KeyUpload): Promise<Record<string, number>> {
      const { sql, mutate, userId, polls, beforeAnswer } = host
      mutate(() => {
        const archive = uploadKeys(sql, { userId: userId(), deviceId }, upload)
        return { value: undefined, archive, deviceLists: archive.length > 0 ? [userId()] : [] }
      })
      polls().keysCounted(deviceId)
      await beforeAnswer()
      return oneTimeKeyCounts(sql, deviceId)
    },
  },

  /** Of all devices, or of these. */
  publicKeys: {
    session: 'none',
    repeatable: true,
    run: ({ sql, userId }, deviceIds: string[]): PublicKeys => publicKeys(sql, userId(), deviceIds),
  },

  /** For the user's own queries: the user-signing key, and the signatures on the master keys of `userIds`. */
  privateKeys: {
    session: 'checked',
    repeatable: true,
    run({ sql }, _: Session, userIds: string[]): PrivateKeys {
      const { user_signing: userSigning } = crossSigningKeys(sql)
      const keys: PrivateKeys = { signatures: {} }
      if (userSigning === undefined) return keys
      keys.userSigning = userSigning
      for (const other of userIds) Object.assign(keys.signatures, signaturesOf(sql, other))
      return keys
    },
  },

  /** Hands out one-time keys, each once, or fallback keys: by device, `<algorithm>:<key id>`. */
  claimKeys: {
    session: 'none',
    repeatable: false,
    async run(
      { sql, mutate, polls, beforeAnswer },
      claims: KeyClaims,
    ): Promise<Record<string, Record<string, JsonValue>>> {
      const claimed = mutate(() => ({ value: claimKeys(sql, claims), archive: [] }))
      for (const deviceId of Object.keys(claimed)) polls().keysCounted(deviceId)
      await beforeAnswer()
      return claimed
    },
  },

  /** Answers whether the keys are stored; false: the user must prove their identity first. */
  uploadCrossSigning: {
    session: 'checked',
    repeatable: true,
    run: ({ sql, mutate, userId }, _: Session, keys: CrossSigningKeys, confirmed: boolean): boolean =>
      mutate(() => {
        const archive = putCrossSigningKeys(sql, userId(), keys, confirmed)
        if (archive === 'unconfirmed') return { value: false, archive: [] }
        const deviceLists = archive.length > 0 ? [userId()] : []
        return { value: true, archive, deviceLists, privately: archive.every(isPrivate) }
      }),
  },

  uploadSignatures: {
    session: 'checked',
    repeatable: true,
    run: ({ sql, mutate, userId }, _: Session, upload: SignatureUpload): SignatureFailures =>
      mutate(() => {
        const { failures, archive, touched } = uploadSignatures(sql, userId(), upload)
        return { value: failures, archive, deviceLists: touched }
      }),
  },

  /** The users with devices changed since a sync token, and those that share no room any more. */
  keyChanges: {
    session: 'checked',
    repeatable: true,
    async run(
      { polls },
      session: Session,
      from: string,
      to: string,
    ): Promise<{ changed: string[]; left: string[] }> {
      parseSyncToken(to)
      // What came after `to` is told as well: too much does no harm.
      return polls().deviceLists(session, from)
    },
  },
})

/** The user-signing key, and what it has signed, are shown to the user alone. */
function isPrivate({ kind, key }: Omit<UserLogEntry, 'seq'>): boolean {
  return kind === 'key_signature' || (kind === 'cross_signing_key' && key === 'user_signing')
}

function signaturesOf(sql: SqlStorage, userId: string): PrivateKeys['signatures'] {
  return Object.fromEntries(
    signedOf(sql, userId).map((target) => [target, signaturesOn(sql, userId, target)]),
  )
}
