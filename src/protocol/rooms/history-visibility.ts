/** Client-Server API §Room History Visibility: whether a user may see an event, judged by the state at that event. */
import type { Pdu } from '../events/event.ts'
import type { Membership } from './membership.ts'

export type HistoryVisibility = 'world_readable' | 'shared' | 'invited' | 'joined'

const VISIBILITIES: ReadonlySet<unknown> = new Set<HistoryVisibility>([
  'world_readable',
  'shared',
  'invited',
  'joined',
])

export interface VisibilityInput {
  /** The setting before the event. */
  visibility: HistoryVisibility
  /** Of a visibility event alone: the setting it makes. Before or after may allow. */
  visibilityAfter?: HistoryVisibility
  /** The viewer's membership before the event; null: never had one. */
  membershipAt: Membership | null
  /** Of the viewer's own member event alone: the membership it makes. Before or after may allow. */
  membershipAfter?: Membership
  /** Whether the viewer joined at any time after the event. */
  joinedLater: boolean
}

/** The setting that an m.room.history_visibility event makes; missing or unknown means shared. */
export function historyVisibilityOf(event: Pdu | undefined): HistoryVisibility {
  const value = event?.content.history_visibility
  return isVisibility(value) ? value : 'shared'
}

/** Whether a viewer may see an event. */
export function maySeeEvent(input: VisibilityInput): boolean {
  const { visibility, visibilityAfter, membershipAt, membershipAfter, joinedLater } = input
  const settings = visibilityAfter === undefined ? [visibility] : [visibility, visibilityAfter]
  const memberships = membershipAfter === undefined ? [membershipAt] : [membershipAt, membershipAfter]
  return settings.some((setting) =>
    memberships.some((membership) => allows(setting, membership, joinedLater)),
  )
}

function allows(setting: HistoryVisibility, membership: Membership | null, joinedLater: boolean): boolean {
  if (setting === 'world_readable' || membership === 'join') return true
  if (setting === 'shared') return joinedLater
  return setting === 'invited' && membership === 'invite'
}

function isVisibility(value: unknown): value is HistoryVisibility {
  return VISIBILITIES.has(value)
}
