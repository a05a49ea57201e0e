/** What is asked of a User object about the backup of room keys. */
import type {
  BackedUpKey,
  DeletedKeys,
  KeyBackupState,
  KeyBackupVersion,
  KeyPlace,
} from '../../../src/objects/user/keys.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { rpcTable } from '../../rpc-table.ts'
import type { UserHost } from '../host.ts'
import * as backup from './key-backup.ts'

/** But for the first one, all throw MatrixError M_NOT_FOUND where there is no such version. */
export const keyBackupRpc = rpcTable<UserHost>()({
  /** Begins a backup of room keys, which is the current one from then on. Answers its version. */
  createKeyBackup: {
    session: 'checked',
    repeatable: false,
    run: ({ mutate, sql }, _: Session, algorithm: string, authData: JsonObject): string =>
      mutate(() => backup.createVersion(sql, algorithm, authData)),
  },

  keyBackup: {
    session: 'checked',
    repeatable: true,
    run: ({ sql }, _: Session, version: string | undefined): KeyBackupVersion =>
      backup.findVersion(sql, version),
  },

  updateKeyBackup: {
    session: 'checked',
    repeatable: true,
    run: ({ mutate, sql }, _: Session, version: string, algorithm: string, authData: JsonObject): void =>
      mutate(() => backup.updateVersion(sql, version, algorithm, authData)),
  },

  /** Answers whether it has keys still, which the next call deletes. */
  deleteKeyBackup: {
    session: 'checked',
    repeatable: true,
    run: ({ mutate, sql }, _: Session, version: string): boolean =>
      mutate(() => backup.deleteVersion(sql, version)),
  },

  /** Stores those keys that are better than what is there. @throws MatrixError M_WRONG_ROOM_KEYS_VERSION */
  putBackedUpKeys: {
    session: 'checked',
    repeatable: true,
    run: ({ mutate, ports, sql }, _: Session, version: string, keys: BackedUpKey[]): KeyBackupState =>
      mutate(() => backup.putKeys(sql, version, keys, ports.config.quotas)),
  },

  /** As many keys as one call carries, in order of room and session, after the last one of the batch before. */
  backedUpKeys: {
    session: 'checked',
    repeatable: true,
    run: (
      { sql },
      _: Session,
      version: string,
      place: KeyPlace,
      after?: [string, string],
    ): { keys: BackedUpKey[]; more: boolean } => backup.readKeys(sql, version, place, after),
  },

  deleteBackedUpKeys: {
    session: 'checked',
    repeatable: true,
    run: ({ mutate, sql }, _: Session, version: string, place: KeyPlace): DeletedKeys =>
      mutate(() => backup.deleteKeys(sql, version, place)),
  },
})
