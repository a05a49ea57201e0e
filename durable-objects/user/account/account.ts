/** The account behind a User object: its sessions, its standing, its profile and its end. */
import { writeRefusal } from '../../../src/accounts/standing.ts'
import type { AccountStanding, FirstProfile, Session } from '../../../src/objects/user/session.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import type { Ports } from '../../../src/ports/ports.ts'
import type { JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import { localpartOf } from '../../../src/protocol/identifiers.ts'
import type { Profile } from '../../../src/protocol/profile.ts'
import type { Peers } from '../../peers.ts'
import { readMeta, writeMeta } from '../../sqlite.ts'
import { requireNoSuchKey } from '../keys/cross-signing.ts'
import { dropDehydrated } from '../keys/dehydrated.ts'
import { hasPushers } from '../push/pushers.ts'
import { RoomJobs, type RoomWork } from '../room-jobs.ts'
import type { Memberships } from '../sync/memberships.ts'
import { closeAccount, isClosing, tellAccounts } from './closing.ts'
import { type DeviceRow, findDevice } from './device-rows.ts'
import * as devices from './devices.ts'
import { Kept } from './kept.ts'
import { hasPast } from './past.ts'
import { roomProfile, setProfile, setProfileField } from './profile.ts'
import { ProfileSpread } from './profile-spread.ts'
import { confirmSession, isFirstUse, type Refreshed, refreshRefused, refreshSession } from './refresh.ts'
import { countRoomMade } from './rooms-made.ts'
import { readStanding, requireUsable, writeStanding } from './standing.ts'

/** What a mutation leaves to the consumers. */
export interface Changes {
  archive: readonly Omit<UserLogEntry, 'seq'>[]
  revoked?: readonly string[]
  /**
   * Users whose devices the user's own clients must look at again. If it names the user, other users must look again
   * too.
   */
  deviceLists?: readonly string[]
  /** The news is for the user's own clients alone. */
  privately?: boolean
}

interface AccountDependencies {
  sql: SqlStorage
  userId: () => string
  ports: Pick<Ports, 'accounts' | 'clock' | 'config' | 'random'>
  objects: () => Peers
  memberships: () => Memberships
  /** Runs one transaction, and hands on what it changed. */
  mutate: <T>(work: () => Changes & { value: T }) => T
  /** From now on a Room tells of what is new there; what came before must be counted. */
  watched: (roomId: string) => void
  /** The next place in the user's own log, inside a transaction. */
  nextOwn: () => number
  /** The user's clients have something to be told. */
  serve: () => void
  /** Has the alarm run a job now. */
  runJob: (job: 'rooms' | 'closing', inMs?: number) => void
}

/** As long as a request waits for the rooms it concerns, ms; the alarm sees to the rest. */
export const ROOMS_PATIENCE_MS = 2_000
/** The account has had its first profile. */
const PROFILE_BEGUN = 'profile_begun'

export class UserAccount {
  readonly #to: AccountDependencies
  readonly #kept: Kept
  readonly jobs: RoomJobs
  readonly #spread: ProfileSpread
  #standing: AccountStanding | undefined
  /** The devices whose sessions were checked, until the next transaction: every long poll asks for its own. */
  readonly #devices = new Map<string, DeviceRow>()

  constructor(dependencies: AccountDependencies) {
    this.#to = dependencies
    const work: RoomWork = {
      profile: (roomId) =>
        this.#room(roomId).updateProfile(this.#userId, roomProfile(this.#sql), this.#spread.untold()),
      leave: (roomId) =>
        this.#room(roomId).changeMembership({ sender: this.#userId, target: this.#userId, action: 'leave' }),
      devices: (roomId) => this.#room(roomId).markDevices(this.#userId),
      push: async (roomId) => {
        const began = await this.#room(roomId).setPushMember(this.#userId, hasPushers(this.#sql))
        if (began) this.#to.watched(roomId)
      },
      erase: (roomId) => this.#room(roomId).markErased(this.#userId),
    }
    const { sql, ports, nextOwn, memberships } = dependencies
    const now = () => ports.clock.now()
    this.jobs = new RoomJobs(sql, work, now)
    const joinedRooms = () => memberships().joinedRooms()
    this.#spread = new ProfileSpread({ sql, now, nextOwn, jobs: () => this.jobs, joinedRooms })
    this.#kept = new Kept({ sql, accounts: ports.accounts, localpart: () => this.#localpart })
  }

  // ------------------------------------------------------------ sessions

  /** @throws MatrixError M_USER_DEACTIVATED, M_USER_LOCKED, or M_RESOURCE_LIMIT_EXCEEDED for too many devices */
  openSession(request: devices.LoginRequest): devices.OpenedSession {
    requireUsable(this.standing)
    if (request.deviceId !== undefined) requireNoSuchKey(this.#sql, request.deviceId)
    let spreads = false
    const opened = this.#to.mutate(() => {
      const profile = this.#knownProfile(request.profile)
      spreads = profile.spreads
      const { session, isNewDevice, archive, revoked } = devices.openSession(
        this.#sql,
        this.#userId,
        request,
        this.#context,
      )
      // A login with the id of the dehydrated device makes another device of it.
      const dropped = dropDehydrated(this.#sql, this.#userId, session.deviceId)
      // Users that share a room encrypt to a device as soon as it has keys: they learn of it with its first news.
      const isNews = isNewDevice && this.#to.memberships().joinedRooms().length > 0
      const deviceLists = dropped.length > 0 || isNews ? [this.#userId] : []
      return { value: session, archive: [...profile.archive, ...dropped, ...archive], revoked, deviceLists }
    })
    if (spreads) this.#toldProfile()
    return opened
  }

  /** @throws MatrixError M_UNKNOWN_TOKEN, or 503; a request that reveals a copied token also ends the session */
  refreshSession(request: Parameters<typeof refreshSession>[2]): Refreshed {
    if (findDevice(this.#sql, request.deviceId) === undefined) {
      this.#kept.require()
      throw refreshRefused()
    }
    requireUsable(this.standing)
    const renewed = this.#to.mutate(() => {
      const { session, archive, revoked } = refreshSession(this.#sql, this.#userId, request, this.#context)
      return { value: session, archive, revoked }
    })
    if (renewed === undefined) throw refreshRefused()
    return renewed
  }

  /** Passes a live session of an account that may be used. @throws MatrixError M_UNKNOWN_TOKEN, M_USER_LOCKED, or 503 */
  check(session: Session): void {
    const { deviceId } = session
    const found = this.#devices.get(deviceId) ?? findDevice(this.#sql, deviceId)
    if (found === undefined) this.#kept.require()
    const device = devices.checkSession(found, session, this.#to.ports.clock.now())
    this.#devices.set(deviceId, device)
    requireUsable(this.standing)
    if (!isFirstUse(device, session)) return
    this.#to.mutate(() => ({ value: undefined, archive: [confirmSession(this.#sql, device)] }))
  }

  /** Passes a session whose user may tell others something. @throws MatrixError as `check`, M_USER_SUSPENDED */
  checkMayTell(session: Session): void {
    this.check(session)
    const refusal = writeRefusal(this.standing)
    if (refusal !== undefined) throw refusal
  }

  /** The session's password is changed first: a device that is to go must not come back by the old one. */
  async changePassword(session: Session, hash: string, logoutDevices: boolean): Promise<void> {
    await this.#to.ports.accounts.setPassword(this.#localpart, hash)
    if (!logoutDevices) return
    this.#to.mutate(() => ({ value: undefined, ...devices.logoutOthers(this.#sql, session) }))
  }

  // ------------------------------------------------------------ standing

  get standing(): AccountStanding {
    this.#standing ??= readStanding(this.#sql)
    return this.#standing
  }

  /** Redis and the isolates vouch for sessions: they forget them all, and ask here. */
  setStanding(change: Partial<AccountStanding>): void {
    this.#to.mutate(() => {
      const archive = writeStanding(this.#sql, change)
      const revoked = archive.length === 0 ? [] : devices.liveSessions(this.#sql)
      return { value: undefined, archive, revoked }
    })
    this.forget()
  }

  /** Drops what is only remembered, after a transaction. */
  forget(): void {
    this.#standing = undefined
    this.#devices.clear()
  }

  /** Closes the account; the sessions have ended when this returns, the rest follows. */
  close(erase: boolean): void {
    this.#to.mutate(() => {
      const userId = this.#userId
      const rooms = this.#to.memberships().all()
      const closed = closeAccount(this.#sql, { userId, erase, rooms, jobs: this.jobs })
      return { value: undefined, ...closed, deviceLists: [userId] }
    })
    this.forget()
    this.#to.runJob('closing')
    this.#to.runJob('rooms', ROOMS_PATIENCE_MS)
  }

  /** Whether Postgres has yet to be told of the end. */
  isClosing(): boolean {
    return isClosing(this.#sql)
  }

  /** Tells Postgres what is pending. @throws when it does not answer */
  tellAccounts(): Promise<void> {
    return tellAccounts(this.#sql, this.#userId, this.#to.ports.accounts)
  }

  // ------------------------------------------------------------ profile and rooms

  beginProfile(): void {
    this.#to.mutate(() => ({ value: undefined, archive: this.#firstProfile() }))
  }

  /** As on other servers, a new account is shown by its localpart until its user, or who knows the user, says otherwise. */
  #firstProfile(known: Profile = {}): Omit<UserLogEntry, 'seq'>[] {
    if (hasPast(this.#sql) || readMeta(this.#sql, PROFILE_BEGUN) !== undefined) return []
    writeMeta(this.#sql, PROFILE_BEGUN, 1)
    return setProfile(this.#sql, { displayname: this.#localpart, ...known })
  }

  /** What a login says of the profile: of a new account, or each time. `spreads`: rooms are to be told. */
  #knownProfile({ fields, always }: FirstProfile = { fields: {}, always: false }) {
    const first = this.#firstProfile(fields)
    // A suspended user tells others nothing, not even by way of another system.
    const archive = always && !this.standing.suspended ? setProfile(this.#sql, fields) : []
    if (archive.length > 0) this.#spread.begin(archive)
    return { archive: [...first, ...archive], spreads: archive.length > 0 }
  }

  #toldProfile(inMs = 0): void {
    this.#to.runJob('rooms', inMs)
    this.#to.serve()
  }

  /** Counts a room that the user is about to make, and answers what it must know of them. @throws as `countRoomMade` */
  makeRoom(making: string): Profile {
    return this.#to.mutate(() => {
      countRoomMade(this.#sql, making, this.#to.ports.config.quotas)
      return { value: roomProfile(this.#sql), archive: [] }
    })
  }

  /** Answers whether rooms are to be told. */
  setProfileField(key: string, value: JsonValue | undefined): boolean {
    const spreads = this.#to.mutate(() => {
      const archive = setProfileField(this.#sql, key, value)
      if (archive.length > 0) this.#spread.begin(archive)
      return { value: archive.length > 0, archive }
    })
    if (spreads) this.#toldProfile(ROOMS_PATIENCE_MS)
    return spreads
  }

  /**
   * What a membership asks for, inside the transaction that stores it: a closed account enters no room, and a join
   * may have been written with the profile of a moment ago. Answers whether there is a job to run.
   */
  roomEntered(roomId: string, membership: string): boolean {
    if (this.standing.deactivated) {
      if (membership === 'leave' || membership === 'ban') return false
      this.jobs.add('leave', [roomId])
      return true
    }
    if (membership !== 'join') return false
    const pushes = this.pushIn(roomId, membership)
    return this.#spread.roomJoined(roomId) || pushes
  }

  /** Has a joined room know of the user's pushers, if there are any. Answers whether there is a job to run. */
  pushIn(roomId: string, membership: string): boolean {
    const pushes = membership === 'join' && hasPushers(this.#sql)
    if (pushes) this.jobs.add('push', [roomId])
    return pushes
  }

  // ------------------------------------------------------------ inside

  get #sql(): SqlStorage {
    return this.#to.sql
  }

  get #userId(): string {
    return this.#to.userId()
  }

  get #localpart(): string {
    return localpartOf(this.#userId)
  }

  get #context() {
    const { clock, random, config } = this.#to.ports
    return { now: clock.now(), random, lifetimeMs: config.accessTokenLifetimeMs, quotas: config.quotas }
  }

  #room(roomId: string) {
    return this.#to.objects().room(roomId)
  }
}
