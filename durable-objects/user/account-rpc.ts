/** The part of a User object's RPC surface that speaks of the account: sessions, devices, standing and profile. */
import { DurableObject } from 'cloudflare:workers'
import type { Env } from '../../src/env.ts'
import type { Session } from '../../src/ports.ts'
import type { JsonValue } from '../../src/protocol/canonical-json.ts'
import { type RpcResult, toResult, toResultAsync } from '../rpc.ts'
import type { Changes, UserAccount } from './account.ts'
import * as devices from './devices.ts'
import { profileFields, roomProfile } from './profile.ts'

/** What these methods need of the object they belong to. */
export interface AccountHost {
  sql: SqlStorage
  account: UserAccount
  mutate: <T>(work: () => Changes & { value: T }) => T
  /** Ends sessions by a mutation, and answers once Redis knows. */
  endSessions: (work: () => devices.DeviceChange) => Promise<RpcResult<void>>
  /** Tells Redis of what has ended, for as long as it listens. */
  flushSessions: () => Promise<void>
  /** Vouches for a session in Redis. */
  vouchFor: (session: Session) => void
}

export abstract class AccountRpc extends DurableObject<Env> {
  #host: AccountHost | undefined

  /** To be called in the constructor. */
  protected serveAccount(host: AccountHost): void {
    this.#host = host
  }

  get #to(): AccountHost {
    return this.#host!
  }

  openSession(request: devices.LoginRequest) {
    return toResult(() => this.#to.account.openSession(request))
  }

  refreshSession(request: Parameters<UserAccount['refreshSession']>[0]) {
    return toResultAsync(async () => {
      try {
        return this.#to.account.refreshSession(request)
      } finally {
        await this.#to.flushSessions()
      }
    })
  }

  checkSession(session: Session): RpcResult<{ suspended: boolean }> {
    return toResult(() => {
      const { account, vouchFor } = this.#to
      account.check(session)
      const { suspended } = account.standing
      // Whoever may not do everything is asked about each time.
      if (!suspended) vouchFor(session)
      return { suspended }
    })
  }

  logout(session: Session) {
    return this.#to.endSessions(() => devices.logout(this.#to.sql, session))
  }

  logoutAll(session: Session) {
    return this.#to.endSessions(() => devices.logoutAll(this.#to.sql, session))
  }

  deleteDevices(session: Session, deviceIds: string[]) {
    const allowed = this.#checked(session, () => undefined)
    return allowed.ok ? this.#to.endSessions(() => devices.deleteDevices(this.#to.sql, deviceIds)) : allowed
  }

  changePassword(session: Session, hash: string, logoutDevices: boolean): Promise<RpcResult<void>> {
    return toResultAsync(async () => {
      this.#to.account.check(session)
      await this.#to.account.changePassword(session, hash, logoutDevices)
      await this.#to.flushSessions()
    })
  }

  /** Everybody has been refused before Postgres hears of it; the alarm tells it, where it is not there now. */
  deactivate(session: Session, erase: boolean): Promise<RpcResult<void>> {
    return toResultAsync(async () => {
      this.#to.account.deactivate(session, erase)
      await this.#to.account.tellAccounts().catch(() => undefined)
      await this.#to.flushSessions()
    })
  }

  standing() {
    return toResult(() => this.#to.account.standing)
  }

  setStanding(change: { locked?: boolean; suspended?: boolean }): Promise<RpcResult<void>> {
    return toResultAsync(async () => {
      this.#to.account.setStanding(change)
      await this.#to.flushSessions()
    })
  }

  whois() {
    return toResult(() => devices.listDevices(this.#to.sql))
  }

  devices(session: Session) {
    return this.#checked(session, () => devices.listDevices(this.#to.sql))
  }

  device(session: Session, deviceId: string) {
    return this.#checked(session, () => devices.getDevice(this.#to.sql, deviceId))
  }

  renameDevice(session: Session, deviceId: string, displayName: string): RpcResult<void> {
    return this.#checked(session, () =>
      this.#to.mutate(() => ({
        value: undefined,
        ...devices.renameDevice(this.#to.sql, deviceId, displayName),
      })),
    )
  }

  profile() {
    return toResult(() => roomProfile(this.#to.sql))
  }

  profileFields() {
    return toResult(() => profileFields(this.#to.sql))
  }

  setProfileField(session: Session, key: string, value: JsonValue | undefined): RpcResult<void> {
    return this.#checked(session, () => this.#to.account.setProfileField(key, value))
  }

  #checked<T>(session: Session, work: () => T): RpcResult<T> {
    return toResult(() => {
      this.#to.account.check(session)
      return work()
    })
  }
}
