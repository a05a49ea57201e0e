/** The tokens that sync answers end with. */
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { Presence } from '../presence/presence.ts'
import { MAX_TAIL } from './heads/epochs.ts'
import type { Heads, Told } from './heads/heads.ts'
import type { Plan } from './sync-plan.ts'
import { formatSyncToken } from './sync-token.ts'

export interface TokenParts {
  heads: Heads
  presence: Pick<Presence, 'latest'>
}

/**
 * The token of an answer.
 * @param lastMessage the last to-device message that it contains
 * @throws MatrixError M_UNKNOWN where more rooms are owed than a token names
 */
export function issueToken(
  { heads, presence }: TokenParts,
  { token, own }: Plan,
  told: Told,
  lastMessage: number | undefined,
): string {
  if (told.owed.size > MAX_TAIL)
    throw new MatrixError('M_UNKNOWN', 'Too many rooms could not be reached; try again', { status: 503 })
  return formatSyncToken({
    ...heads.placeAfter(token, told),
    own,
    toDevice: lastMessage ?? token?.toDevice ?? 0,
    presence: Math.max(token?.presence ?? 0, presence.latest),
  })
}
