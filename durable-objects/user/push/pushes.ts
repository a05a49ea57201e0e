/** What the user's pushers are told: events, and the number on the device, which many things may change. */
import type { PushNews } from '../../../src/objects/user/settings.ts'
import type { MembershipChange } from '../../../src/objects/user/sync.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import { asksForOwnName, contextChanges } from '../../../src/protocol/push/push-context.ts'
import { IGNORED_USERS } from '../../../src/protocol/rooms/ignored-users.ts'
import { ignoredUsers } from '../settings/ignored-users.ts'
import { Badges, type BadgesParts } from './badges.ts'
import { PushQueue, type PushQueueParts } from './push-queue.ts'
import { rulesetOf } from './push-rules.ts'
import { hasPushers } from './pushers.ts'
import { inviteSubjects, type PushReader, pushSubjects, redactedBy } from './pushing.ts'

export interface PushesParts extends BadgesParts, Omit<PushQueueParts, 'badges'> {
  userId: () => string
}

/** Account data by which everything unread counts anew, as the log names it. */
const COUNTED_BY: ReadonlySet<string> = new Set(
  ['m.push_rules', IGNORED_USERS].map((type) => JSON.stringify([null, type])),
)

/** Whether a mutation changes what notifies the user. */
export function changesPushes(changes: readonly Omit<UserLogEntry, 'seq'>[]): boolean {
  return changes.some(({ kind, key }) => kind === 'account_data' && COUNTED_BY.has(key))
}

export class Pushes {
  readonly #parts: PushesParts
  readonly #badges: Badges
  readonly #queue: PushQueue

  constructor(parts: PushesParts) {
    this.#parts = parts
    this.#badges = new Badges(parts)
    this.#queue = new PushQueue({ ...parts, badges: this.#badges })
  }

  /** Whether anything is to be told. */
  waiting(): boolean {
    return this.#queue.waiting()
  }

  /** From the alarm. Answers when to look again. */
  run(): Promise<number | undefined> {
    return this.#queue.run()
  }

  /** A Room's news: at least once. */
  news(news: PushNews): void {
    this.#change(() => {
      const reader = this.#reader
      const taken = redactedBy(news)
      this.#queue.takeBack('event_id', taken)
      const subjects = pushSubjects(reader, news)
      this.#queue.add(subjects)
      const mayFall = taken.length > 0 || contextChanges(reader, news.events, news.facts.joined)
      if (subjects.length > 0 || mayFall) this.#badges.touch(news.roomId)
      if (mayFall) this.#queue.addBadge()
    })
  }

  /** The user has read in a room, or spoken there. */
  read(roomId: string): void {
    if (this.#badges.isClear) return
    this.#change(() => {
      this.#badges.touch(roomId)
      this.#queue.addBadge()
    })
  }

  /**
   * A membership is being stored; call it inside that transaction. Answers whether there is something to tell.
   * @param isShown whether the user sees what is new of it
   */
  membershipChanged(change: MembershipChange, isShown: boolean): boolean {
    const { membership, roomId } = change
    if (membership === 'join' || !hasPushers(this.#parts.sql)) return false
    if (membership === 'invite') {
      if (isShown) this.#queue.add(inviteSubjects(this.#reader, change))
      return isShown
    }
    this.#queue.takeBack('room_id', [roomId])
    if (this.#badges.isClear) return false
    this.#badges.drop(roomId)
    this.#queue.addBadge()
    return true
  }

  /** Call it inside the transaction that stores how the user is shown in a room: rules may look for that name. */
  shownAnew(roomId: string): void {
    if (hasPushers(this.#parts.sql) && asksForOwnName(this.#reader.ruleset)) this.#badges.touch(roomId)
  }

  /** The rules or the ignored users have changed. Runs inside the transaction of that change. */
  settingsChanged(): void {
    const { sql, userId } = this.#parts
    if (!hasPushers(sql)) return
    this.#queue.takeBack('sender', ignoredUsers(sql, userId()))
    this.countAnew()
    this.#queue.addBadge()
  }

  /** The unread count of a room is no longer known, or that of every room. */
  countAnew(roomId?: string): void {
    if (roomId === undefined) this.#badges.touchAll()
    else this.#badges.touch(roomId)
  }

  get #reader(): PushReader {
    const { sql, userId } = this.#parts
    return { userId: userId(), ruleset: rulesetOf(sql, userId()), ignored: ignoredUsers(sql, userId()) }
  }

  #change(work: () => void): void {
    this.#parts.transaction(work)
    this.#parts.arm(this.#parts.now())
  }
}
