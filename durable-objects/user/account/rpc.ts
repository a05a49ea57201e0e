/** What is asked of a User object about the account: sessions, devices, standing and profile. */
import type { AccountStanding, Device, Session } from '../../../src/objects/user/session.ts'
import { patiently } from '../../../src/patience.ts'
import type { JsonObject, JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import type { Profile } from '../../../src/protocol/profile.ts'
import { rpcTable } from '../../rpc-table.ts'
import type { UserHost } from '../host.ts'
import { ROOMS_PATIENCE_MS, type UserAccount } from './account.ts'
import * as devices from './devices.ts'
import { hasPast } from './past.ts'
import { profileFields, roomProfile } from './profile.ts'

export const accountRpc = rpcTable<UserHost>()({
  /**
   * Whether the account has ever been used. If so, nobody else may have its name, whatever the accounts say. Asked of a
   * name before an account is made for it.
   */
  hasPast: { session: 'none', repeatable: true, absent: 'ask', run: ({ sql }): boolean => hasPast(sql) },

  /**
   * Makes or renews a device: its old session ends. Answers the device and the new session; with `refreshHash`, of
   * the first refresh token, when it expires (ms) and what its refresh tokens share.
   */
  openSession: {
    session: 'none',
    repeatable: false,
    run: ({ account }, request: devices.LoginRequest) => account.openSession(request),
  },

  /** A session in place of the device's, for the hash of its refresh token; `next` is that of the one after. */
  refreshSession: {
    session: 'none',
    repeatable: true,
    async run({ account, flushSessions }, request: Parameters<UserAccount['refreshSession']>[0]) {
      try {
        return account.refreshSession(request)
      } finally {
        await flushSessions()
      }
    },
  },

  /** @throws MatrixError M_UNKNOWN_TOKEN when the session is no longer the device's, M_USER_LOCKED */
  checkSession: {
    session: 'checked',
    repeatable: true,
    run({ account, vouchFor }, session: Session): { suspended: boolean } {
      const { suspended } = account.standing
      // A suspended user is asked about each time.
      if (!suspended) vouchFor(session)
      return { suspended }
    },
  },

  /** The row itself tells a session that it has ended already. */
  logout: {
    session: 'by row',
    repeatable: true,
    run: ({ endSessions, sql }, session: Session) => endSessions(() => devices.logout(sql, session)),
  },

  logoutAll: {
    session: 'by row',
    repeatable: false,
    run: ({ endSessions, sql }, session: Session) => endSessions(() => devices.logoutAll(sql, session)),
  },

  /** Deletes devices; those that are gone already stay gone. */
  deleteDevices: {
    session: 'checked',
    repeatable: true,
    run: ({ endSessions, sql }, _: Session, deviceIds: string[]) =>
      endSessions(() => devices.deleteDevices(sql, deviceIds)),
  },

  /** As `deleteDevices`, by the operator. */
  endDevices: {
    session: 'none',
    repeatable: true,
    run: ({ endSessions, sql }, deviceIds: string[]) =>
      endSessions(() => devices.deleteDevices(sql, deviceIds)),
  },

  /** Stores the hash of a new password; with `logoutDevices`, every device but the session's own is deleted. */
  changePassword: {
    session: 'checked',
    repeatable: true,
    async run(
      { account, flushSessions },
      session: Session,
      hash: string,
      logoutDevices: boolean,
    ): Promise<void> {
      await account.changePassword(session, hash, logoutDevices)
      await flushSessions()
    },
  },

  /** Closes the account for good. With `erase`, users that join a room later see the user's events redacted. */
  deactivate: {
    session: 'checked',
    repeatable: false,
    run: (host, _: Session, erase: boolean): Promise<void> => close(host, erase),
  },

  /** As `deactivate`, by the operator. */
  close: {
    session: 'none',
    repeatable: true,
    run: (host, erase: boolean): Promise<void> => close(host, erase),
  },

  /** For administrators: no session of the user is asked for. */
  standing: { session: 'none', repeatable: true, run: ({ account }): AccountStanding => account.standing },

  setStanding: {
    session: 'none',
    repeatable: true,
    async run({ account, flushSessions }, change: { locked?: boolean; suspended?: boolean }): Promise<void> {
      account.setStanding(change)
      await flushSessions()
    },
  },

  whois: { session: 'none', repeatable: true, run: ({ sql }): Device[] => devices.listDevices(sql) },

  devices: { session: 'checked', repeatable: true, run: ({ sql }): Device[] => devices.listDevices(sql) },

  device: {
    session: 'checked',
    repeatable: true,
    run: ({ sql }, _: Session, deviceId: string): Device => devices.getDevice(sql, deviceId),
  },

  renameDevice: {
    session: 'checked',
    repeatable: true,
    run: ({ mutate, sql, userId }, _: Session, deviceId: string, displayName: string): void =>
      mutate(() => ({
        value: undefined,
        ...devices.renameDevice(sql, deviceId, displayName),
        // Others see the name beside the keys, now or when there are some.
        deviceLists: [userId()],
      })),
  },

  /**
   * Counts a room that the user is about to make; answers what its member event carries. `making` is the same when it is
   * asked for again, and counts once.
   */
  makeRoom: {
    session: 'checked',
    repeatable: true,
    run: ({ account }, _: Session, making: string): Profile => account.makeRoom(making),
  },

  /** What member events carry of the profile. */
  profile: { session: 'none', repeatable: true, run: ({ sql }): Profile => roomProfile(sql) },

  /** What everybody may see of the profile: of all fields, or of these. */
  profileFields: {
    session: 'none',
    repeatable: true,
    run: ({ sql }, fields?: string[]): JsonObject => profileFields(sql, fields),
  },

  /** Gives a new account its first profile, as its first session would. Asked again, it changes nothing. */
  beginProfile: { session: 'none', repeatable: true, run: ({ account }): void => account.beginProfile() },

  /** Sets a field, or takes it away where there is no value; rooms learn of it by and by. */
  setProfileField: {
    session: 'checked',
    repeatable: true,
    async run(host, _: Session, key: string, value: JsonValue | undefined): Promise<void> {
      if (host.account.setProfileField(key, value)) await told(host)
    },
  },
})

/** All sessions are refused before Postgres hears of it. If Postgres is away now, the alarm tells it later. */
async function close(host: UserHost, erase: boolean): Promise<void> {
  const { account, flushSessions } = host
  account.close(erase)
  await account.tellAccounts().catch(() => undefined)
  await flushSessions()
  await told(host)
}

/** Answers once the rooms and the lists know, or after two seconds; what is away is told later. */
async function told({ timers }: UserHost): Promise<void> {
  const run = (job: 'rooms' | 'archive') =>
    timers()
      .runNow(job)
      .catch(() => undefined)
  await patiently(ROOMS_PATIENCE_MS, Promise.all([run('rooms'), run('archive')]))
}
