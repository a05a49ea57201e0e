/** The whole matrix of history visibility. */
import { describe, expect, test } from 'vitest'
import {
  type HistoryVisibility,
  historyVisibilityOf,
  maySeeEvent,
} from '../../../../src/protocol/rooms/history-visibility.ts'
import type { Membership } from '../../../../src/protocol/rooms/membership.ts'
import { pdu } from '../../../support/auth-room.ts'

const MEMBERSHIPS: (Membership | null)[] = ['join', 'invite', 'knock', 'leave', 'ban', null]
const VISIBILITIES: HistoryVisibility[] = ['world_readable', 'shared', 'invited', 'joined']

/** By visibility: who sees the event; `later` also asks that the viewer joined after it. */
const MATRIX: Record<HistoryVisibility, Record<string, 'yes' | 'no' | 'later'>> = {
  world_readable: { join: 'yes', invite: 'yes', knock: 'yes', leave: 'yes', ban: 'yes', null: 'yes' },
  shared: { join: 'yes', invite: 'later', knock: 'later', leave: 'later', ban: 'later', null: 'later' },
  invited: { join: 'yes', invite: 'yes', knock: 'no', leave: 'no', ban: 'no', null: 'no' },
  joined: { join: 'yes', invite: 'no', knock: 'no', leave: 'no', ban: 'no', null: 'no' },
}

function expected(
  visibility: HistoryVisibility,
  membership: Membership | null,
  joinedLater: boolean,
): boolean {
  const cell = MATRIX[visibility][String(membership)]
  return cell === 'yes' || (cell === 'later' && joinedLater)
}

const CASES = VISIBILITIES.flatMap((visibility) =>
  MEMBERSHIPS.flatMap((membershipAt) =>
    [false, true].map((joinedLater) => ({
      visibility,
      membershipAt,
      joinedLater,
      seen: expected(visibility, membershipAt, joinedLater),
    })),
  ),
)

describe('an event', () => {
  test.each(CASES)(
    '$visibility, membership $membershipAt, joined later $joinedLater: seen $seen',
    ({ seen, ...input }) => {
      expect(maySeeEvent(input)).toBe(seen)
    },
  )
})

describe('a visibility event is judged by the setting before or after it', () => {
  test.each(
    CASES.flatMap((before) => VISIBILITIES.map((visibilityAfter) => ({ ...before, visibilityAfter }))),
  )(
    '$visibility to $visibilityAfter, membership $membershipAt, joined later $joinedLater',
    ({ seen, visibilityAfter, ...input }) => {
      const seenAfter = expected(visibilityAfter, input.membershipAt, input.joinedLater)
      expect(maySeeEvent({ ...input, visibilityAfter })).toBe(seen || seenAfter)
    },
  )
})

describe("the viewer's own member event is judged by the membership before or after it", () => {
  const AFTER: Membership[] = ['join', 'invite', 'knock', 'leave', 'ban']
  test.each(CASES.flatMap((before) => AFTER.map((membershipAfter) => ({ ...before, membershipAfter }))))(
    '$visibility, $membershipAt to $membershipAfter, joined later $joinedLater',
    ({ seen, membershipAfter, ...input }) => {
      const seenAfter = expected(input.visibility, membershipAfter, input.joinedLater)
      expect(maySeeEvent({ ...input, membershipAfter })).toBe(seen || seenAfter)
    },
  )
  test('a join and the leave after it are always seen', () => {
    for (const visibility of VISIBILITIES) {
      const event = { visibility, joinedLater: false }
      expect(maySeeEvent({ ...event, membershipAt: null, membershipAfter: 'join' })).toBe(true)
      expect(maySeeEvent({ ...event, membershipAt: 'join', membershipAfter: 'leave' })).toBe(true)
    }
  })
})

describe('the setting of a room', () => {
  const of = (value: unknown) =>
    historyVisibilityOf(pdu({ content: { history_visibility: value as string } }))
  test.each(VISIBILITIES)('is %s when the event says so', (visibility) => {
    expect(of(visibility)).toBe(visibility)
  })
  test('is shared when missing or not understood', () => {
    expect(historyVisibilityOf(undefined)).toBe('shared')
    for (const unknown of [undefined, 'default', '', 7, null, {}, 'constructor'])
      expect(of(unknown)).toBe('shared')
  })
})
