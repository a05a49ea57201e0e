/** The tokens that sync answers end with, and the epochs that they begin. */
import type { Clock } from '../../../src/ports/system.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { Presence } from '../presence/presence.ts'
import type { Epochs } from './epochs.ts'
import type { Heads } from './heads.ts'
import type { Memberships } from './memberships.ts'
import type { Plan } from './sync-plan.ts'
import { formatSyncToken, MAX_TAIL, placeOfDevices, type SyncToken } from './sync-token.ts'

export interface TokenParts {
  clock: Clock
  memberships: Memberships
  epochs: Epochs
  heads: Heads
  presence: Pick<Presence, 'latest'>
  transaction: <T>(work: () => T) => T
}

/** What an answer tells. */
interface Told {
  moved: ReadonlyMap<number, number>
  owed: ReadonlySet<number>
}

export class TokenIssuer {
  readonly #parts: TokenParts

  constructor(parts: TokenParts) {
    this.#parts = parts
  }

  /**
   * The token of an answer; starts a new epoch where the tail would grow too long.
   * @param told.moved where the answer stands in the rooms that it tells of
   * @param told.owed the rooms that were left and that it should tell of, but does not
   * @param lastMessage the last to-device message that it contains
   */
  issue(plan: Plan, { moved, owed }: Told, lastMessage: number | undefined): string {
    if (owed.size > MAX_TAIL)
      throw new MatrixError('M_UNKNOWN', 'Too many rooms could not be reached; try again', { status: 503 })
    const { epochs } = this.#parts
    const debts = this.#debts(plan, owed)
    const presence = Math.max(plan.token?.presence ?? 0, this.#parts.presence.latest)
    const rest = { own: plan.own, toDevice: lastMessage ?? plan.token?.toDevice ?? 0, presence }
    const { token } = plan
    if (token !== undefined && token.epoch === epochs.newest) {
      const tail = this.#nextTail(token, moved)
      if (tail.size <= MAX_TAIL)
        return formatSyncToken({ epoch: token.epoch, tail: new Map([...tail, ...debts]), ...rest })
    }
    const positions = this.#positions(token, moved)
    for (const epoch of new Set([epochs.newest, token?.epoch ?? epochs.newest])) {
      const tail = epochs.tailOver(epoch, positions)
      if (tail !== undefined) return formatSyncToken({ epoch, tail: new Map([...tail, ...debts]), ...rest })
    }
    return formatSyncToken({ epoch: this.#startEpoch(positions), tail: debts, ...rest })
  }

  /** Where the client stands in rooms whose leave it is yet to see. */
  #debts({ token }: Plan, owed: ReadonlySet<number>): Map<number, number> {
    const { epochs } = this.#parts
    return new Map([...owed].map((no) => [no, token === undefined ? 0 : epochs.position(token, no)]))
  }

  #nextTail(token: SyncToken, moved: ReadonlyMap<number, number>): Map<number, number> {
    const { epochs, memberships } = this.#parts
    const snapshot = epochs.snapshot(token.epoch)
    const tail = new Map<number, number>()
    for (const [room, pos] of [...token.tail, ...moved]) {
      if (memberships.byNo(Math.abs(room))?.membership !== 'join') continue
      if ((snapshot?.get(room) ?? 0) === pos) tail.delete(room)
      else tail.set(room, pos)
    }
    return tail
  }

  #positions(token: SyncToken | undefined, moved: ReadonlyMap<number, number>): Map<number, number> {
    const { epochs, memberships } = this.#parts
    const positions = new Map<number, number>()
    for (const room of memberships.all()) {
      if (room.membership !== 'join') continue
      const pos = moved.get(room.no) ?? (token === undefined ? 0 : epochs.position(token, room.no))
      // A room not got yet stands at 0, in so many words: a snapshot may know it from another device.
      positions.set(room.no, pos)
      const devices = placeOfDevices(room.no)
      const told = moved.get(devices) ?? (token === undefined ? 0 : epochs.position(token, devices))
      if (told > pos) positions.set(devices, told)
    }
    return positions
  }

  #startEpoch(positions: ReadonlyMap<number, number>): number {
    const { epochs, heads, memberships, clock } = this.#parts
    return this.#parts.transaction(() => {
      const epoch = epochs.start(positions, clock.now())
      const joined = [...memberships.all()].filter((room) => room.membership === 'join')
      heads.rollTo(
        epoch,
        joined.map((room) => room.no),
        positions,
      )
      return epoch
    })
  }
}
