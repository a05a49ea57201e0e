/** The part of a User object's RPC surface that speaks of the backup of room keys. */
import type { BackedUpKey, KeyPlace } from '../../../src/objects/user/keys.ts'
import type { Session } from '../../../src/objects/user/session.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { ToDeviceRpc } from '../to-device/to-device-rpc.ts'
import * as backup from './key-backup.ts'

export abstract class KeyBackupRpc extends ToDeviceRpc {
  createKeyBackup(session: Session, algorithm: string, authData: JsonObject) {
    const { mutate, sql } = this.host
    return this.checked(session, () => mutate(() => backup.createVersion(sql, algorithm, authData)))
  }

  keyBackup(session: Session, version: string | undefined) {
    return this.checked(session, () => backup.findVersion(this.host.sql, version))
  }

  updateKeyBackup(session: Session, version: string, algorithm: string, authData: JsonObject) {
    const { mutate, sql } = this.host
    return this.checked(session, () => mutate(() => backup.updateVersion(sql, version, algorithm, authData)))
  }

  deleteKeyBackup(session: Session, version: string) {
    const { mutate, sql } = this.host
    return this.checked(session, () => mutate(() => backup.deleteVersion(sql, version)))
  }

  putBackedUpKeys(session: Session, version: string, keys: BackedUpKey[]) {
    const { mutate, sql, ports } = this.host
    const { quotas } = ports.config
    return this.checked(session, () => mutate(() => backup.putKeys(sql, version, keys, quotas)))
  }

  backedUpKeys(session: Session, version: string, place: KeyPlace, after?: [string, string]) {
    return this.checked(session, () => backup.readKeys(this.host.sql, version, place, after))
  }

  deleteBackedUpKeys(session: Session, version: string, place: KeyPlace) {
    const { mutate, sql } = this.host
    return this.checked(session, () => mutate(() => backup.deleteKeys(sql, version, place)))
  }
}
