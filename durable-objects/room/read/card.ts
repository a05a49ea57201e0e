/** What the lists of sliding sync are ordered and filtered by (MSC4186), of one room. */
import type { RoomCard } from '../../../src/objects/room/sync.ts'
import { stringField } from '../../../src/protocol/json-fields.ts'
import { SPACE_CHILD, SPACE_TYPE, spaceChildren } from '../../../src/protocol/rooms/spaces.ts'
import { BUMPING_TYPES } from '../../../src/protocol/sliding/bump.ts'
import type { RoomReader } from '../context.ts'
import { newestSent } from '../rows/events/events.ts'
import type { RowReader } from '../rows/reader.ts'

/** The newest events among which activity is looked for; older activity counts as old as the oldest of them. */
const LOOKED_AT = 100
/** Of a larger space the other rooms are in none of its lists. */
const MOST_CHILDREN = 1_000

export function cardOf({ store, clock }: Pick<RoomReader, 'store' | 'clock'>): RoomCard {
  return store.recall.once('card', () => readCard(store, clock.now()))
}

function readCard(store: RowReader, now: number): RoomCard {
  const { newest, ofTypes } = newestSent(store.sql, { types: BUMPING_TYPES, among: LOOKED_AT, now })
  const create = store.get('m.room.create', '')?.pdu
  const type = stringField(create?.content.type) ?? null
  return {
    newest,
    bump: ofTypes === 0 ? (create?.origin_server_ts ?? 0) : ofTypes,
    type,
    encrypted: store.get('m.room.encryption', '') !== undefined,
    ...(type === SPACE_TYPE && { children: childrenOf(store) }),
  }
}

/** "Only rooms directly mentioned as `m.space.child` events in these spaces." */
function childrenOf(store: RowReader): string[] {
  const events = store.currentKeys(SPACE_CHILD).map((roomId) => store.get(SPACE_CHILD, roomId)?.pdu)
  const children = spaceChildren(events.filter((event) => event !== undefined))
  return children.slice(0, MOST_CHILDREN).map(({ state_key }) => state_key)
}
