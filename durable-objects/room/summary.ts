/** What the room tells of itself to people outside: for previews, and for the hierarchy of spaces. */
import type { Membership, RoomSummary, SummaryAnswer } from '../../src/ports.ts'
import type { Pdu } from '../../src/protocol/event.ts'
import { publicRoom, roomFacts } from '../../src/protocol/room-summary.ts'
import { SPACE_CHILD, SPACE_TYPE, type SpaceChild, spaceChildren } from '../../src/protocol/spaces.ts'
import type { RoomContext } from './context.ts'
import { stateAt } from './timeline.ts'
import { joinRule } from './vouching.ts'

/** "…the user's membership is `join` … already has permission to join": by an invitation. */
const WITHIN: ReadonlySet<Membership | null> = new Set(['join', 'invite'])
const OPEN_RULES: ReadonlySet<string> = new Set(['public', 'knock', 'knock_restricted'])

/** The summary for a viewer. @throws MatrixError M_NOT_FOUND where there is no room */
export function summaryFor(room: RoomContext, viewer: string | null): SummaryAnswer {
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

function childrenOf({ store }: RoomContext): SpaceChild[] {
  const rows = stateAt(store, store.head, { only: SPACE_CHILD })
  return spaceChildren(rows.map((row) => JSON.parse(row.pdu) as Pdu))
}
