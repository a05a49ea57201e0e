/** The part of a User object's RPC surface that speaks of the account: sessions, devices, standing and profile. */
import type { Session } from '../../../src/objects/user/session.ts'
import type { JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import { patiently } from '../../patience.ts'
import { type RpcResult, toResult, toResultAsync } from '../../rpc.ts'
import { UserRpc } from '../user-rpc.ts'
import { ROOMS_PATIENCE_MS, type UserAccount } from './account.ts'
import * as devices from './devices.ts'
import { hasPast } from './past.ts'
import { profileFields, roomProfile } from './profile.ts'

export abstract class AccountRpc extends UserRpc {
  /** Whether somebody has used this account: then its name is nobody else's, whatever the accounts say. */
  hasPast(): RpcResult<boolean> {
    return toResult(() => hasPast(this.host.sql))
  }

  openSession(request: devices.LoginRequest) {
    return toResult(() => this.host.account.openSession(request))
  }

  refreshSession(request: Parameters<UserAccount['refreshSession']>[0]) {
    return toResultAsync(async () => {
      try {
        return this.host.account.refreshSession(request)
      } finally {
        await this.host.flushSessions()
      }
    })
  }

  checkSession(session: Session): RpcResult<{ suspended: boolean }> {
    return toResult(() => {
      const { account, vouchFor } = this.host
      account.check(session)
      const { suspended } = account.standing
      // Whoever may not do everything is asked about each time.
      if (!suspended) vouchFor(session)
      return { suspended }
    })
  }

  logout(session: Session) {
    return this.host.endSessions(() => devices.logout(this.host.sql, session))
  }

  logoutAll(session: Session) {
    return this.host.endSessions(() => devices.logoutAll(this.host.sql, session))
  }

  deleteDevices(session: Session, deviceIds: string[]) {
    const allowed = this.checked(session, () => undefined)
    return allowed.ok ? this.host.endSessions(() => devices.deleteDevices(this.host.sql, deviceIds)) : allowed
  }

  endDevices(deviceIds: string[]) {
    return this.host.endSessions(() => devices.deleteDevices(this.host.sql, deviceIds))
  }

  changePassword(session: Session, hash: string, logoutDevices: boolean): Promise<RpcResult<void>> {
    return toResultAsync(async () => {
      this.host.account.check(session)
      await this.host.account.changePassword(session, hash, logoutDevices)
      await this.host.flushSessions()
    })
  }

  /** Everybody has been refused before Postgres hears of it; the alarm tells it, where it is not there now. */
  deactivate(session: Session, erase: boolean): Promise<RpcResult<void>> {
    const allowed = toResult(() => this.host.account.check(session))
    return allowed.ok ? this.close(erase) : Promise.resolve(allowed)
  }

  close(erase: boolean): Promise<RpcResult<void>> {
    return toResultAsync(async () => {
      this.host.account.close(erase)
      await this.host.account.tellAccounts().catch(() => undefined)
      await this.host.flushSessions()
      await this.#told()
    })
  }

  standing() {
    return toResult(() => this.host.account.standing)
  }

  setStanding(change: { locked?: boolean; suspended?: boolean }): Promise<RpcResult<void>> {
    return toResultAsync(async () => {
      this.host.account.setStanding(change)
      await this.host.flushSessions()
    })
  }

  whois() {
    return toResult(() => devices.listDevices(this.host.sql))
  }

  devices(session: Session) {
    return this.checked(session, () => devices.listDevices(this.host.sql))
  }

  device(session: Session, deviceId: string) {
    return this.checked(session, () => devices.getDevice(this.host.sql, deviceId))
  }

  renameDevice(session: Session, deviceId: string, displayName: string): RpcResult<void> {
    return this.checked(session, () =>
      this.host.mutate(() => ({
        value: undefined,
        ...devices.renameDevice(this.host.sql, deviceId, displayName),
        // Others see the name beside the keys, now or when there are some.
        deviceLists: [this.host.userId()],
      })),
    )
  }

  makeRoom(session: Session) {
    return this.checked(session, () => this.host.account.makeRoom())
  }

  profile() {
    return toResult(() => roomProfile(this.host.sql))
  }

  profileFields() {
    return toResult(() => profileFields(this.host.sql))
  }

  beginProfile(): RpcResult<void> {
    return toResult(() => this.host.account.beginProfile())
  }

  setProfileField(session: Session, key: string, value: JsonValue | undefined): Promise<RpcResult<void>> {
    return toResultAsync(async () => {
      this.host.account.check(session)
      if (this.host.account.setProfileField(key, value)) await this.#told()
    })
  }

  /** The rooms and the lists know, or two seconds have passed: what is away is told later. */
  async #told(): Promise<void> {
    const run = (job: 'rooms' | 'archive') =>
      this.host
        .timers()
        .runNow(job)
        .catch(() => undefined)
    await patiently(ROOMS_PATIENCE_MS, Promise.all([run('rooms'), run('archive')]))
  }
}
