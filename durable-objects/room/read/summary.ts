/** What the room tells outsiders of itself: for previews, and for the hierarchy of spaces. */
import type { RoomSummary, SummaryAnswer } from '../../../src/objects/room/summary.ts'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import type { Membership } from '../../../src/protocol/rooms/membership.ts'
import { publicRoom, roomFacts } from '../../../src/protocol/rooms/room-summary.ts'
import {
  SPACE_CHILD,
  SPACE_TYPE,
  type SpaceChild,
  spaceChildren,
} from '../../../src/protocol/rooms/spaces.ts'
import type { RoomReader } from '../context.ts'
import { Budget } from './budget.ts'
import { joinRule } from './join-rule.ts'
import { stateAt } from './state-reads.ts'

/** "…the user's membership is `join` … already has permission to join": by an invitation. */
const WITHIN: ReadonlySet<Membership | null> = new Set(['join', 'invite'])
const OPEN_RULES: ReadonlySet<string> = new Set(['public', 'knock', 'knock_restricted'])

/** The summary for a viewer. @throws MatrixError M_NOT_FOUND where there is no room */
export function summaryFor(room: RoomReader, viewer: string | null): SummaryAnswer {
  const { store } = room
  const { version } = store.rules
  const facts = roomFacts(store)
  const summary: RoomSummary = {
    ...publicRoom(store.roomId, facts, store.counts.joined),
    room_version: version,
  }
  if (facts.encryption !== undefined) summary.encryption = facts.encryption
  const { allowRooms } = joinRule(room)
  if (summary.join_rule.endsWith('restricted')) summary.allowed_room_ids = allowRooms
  const membership = viewer === null ? null : (store.member(viewer)?.membership ?? null)
  const mayCome = membership !== 'ban' && OPEN_RULES.has(summary.join_rule)
  return {
    summary,
    membership,
    open: summary.world_readable || mayCome || WITHIN.has(membership),
    children: facts.room_type === SPACE_TYPE ? childrenOf(room) : [],
  }
}

/** As many as an answer holds, the oldest first: a space with thousands of long children shows the first of them. */
function childrenOf({ store }: RoomReader): SpaceChild[] {
  const budget = new Budget()
  const children: Pdu[] = []
  for (const { row } of stateAt(store, { at: store.head, only: SPACE_CHILD })) {
    if (!budget.takes(row.pdu.length)) break
    children.push(JSON.parse(row.pdu) as Pdu)
  }
  return spaceChildren(children)
}
