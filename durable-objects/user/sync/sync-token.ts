/**
 * Sync tokens: `s<epoch>.<own>.<todevice>~<room>:<pos>,…`. The epoch names a stored snapshot of the user's room
 * positions, the tail the rooms that differ from it, by their short numbers. An old token is as good as a new one.
 * The `pos` of sliding sync is such a token too, and ends with `@<connection>.<generation>`: what the client was told of.
 */
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { Place } from './heads/epochs.ts'

export interface SyncToken extends Place {
  /** Position in the user's own log. */
  own: number
  /** The last to-device message contained in the answer that gave this token. */
  toDevice: number
  /** The place of the newest presence contained in that answer. */
  presence?: number
}

/** Which state of a connection of sliding sync a token goes with. */
export interface SlidingPlace {
  name: string
  generation: number
}

const TOKEN =
  /^s(\d{1,15})\.(\d{1,15})\.(\d{1,15})(?:\.(\d{1,15}))?(?:~((?:-?\d{1,15}:\d{1,15},)*-?\d{1,15}:\d{1,15}))?(?:@[A-Za-z0-9]{1,32}\.\d{1,15})?$/

const PLACE = /@([A-Za-z0-9]{1,32})\.(\d{1,15})$/

export function formatSyncToken({ epoch, own, toDevice, presence = 0, tail }: SyncToken): string {
  const head = `s${epoch}.${own}.${toDevice}${presence === 0 ? '' : `.${presence}`}`
  return tail.size === 0 ? head : `${head}~${[...tail].map(([room, pos]) => `${room}:${pos}`).join(',')}`
}

/** The `pos` of sliding sync. */
export function formatPos(token: SyncToken, { name, generation }: SlidingPlace): string {
  return `${formatSyncToken(token)}@${name}.${generation}`
}

/** The state that a `pos` names; undefined: it is none. */
export function placeOfPos(text: string): SlidingPlace | undefined {
  const match = TOKEN.test(text) ? PLACE.exec(text) : null
  return match === null ? undefined : { name: match[1] ?? '', generation: Number(match[2]) }
}

/** @throws MatrixError M_INVALID_PARAM for a text that is not a token of this server */
export function parseSyncToken(text: string): SyncToken {
  const match = TOKEN.exec(text)
  if (match === null) throw new MatrixError('M_INVALID_PARAM', 'Unknown sync token')
  const tail = new Map<number, number>()
  for (const entry of match[5]?.split(',') ?? []) {
    const [room, pos] = entry.split(':')
    tail.set(Number(room), Number(pos))
  }
  return {
    epoch: Number(match[1]),
    own: Number(match[2]),
    toDevice: Number(match[3]),
    presence: Number(match[4] ?? 0),
    tail,
  }
}
