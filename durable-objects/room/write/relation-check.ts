/** Which relations a client may not make. */
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { type Relation, relationOf } from '../../../src/protocol/events/relations.ts'
import type { RoomReader } from '../context.ts'
import { hasAnnotated } from '../rows/events/relations.ts'
import type { LocalEvent } from './local-event.ts'

/**
 * Before a client's message is sent.
 * @throws MatrixError M_DUPLICATE_ANNOTATION for the same reaction again; M_UNKNOWN (400) for a thread that starts from
 * an event which itself relates to another
 */
export function checkRelation(room: RoomReader, event: LocalEvent): void {
  const relation = event.stateKey === undefined ? relationOf(event.content) : undefined
  if (relation === undefined) return
  if (relation.relType === 'm.annotation') refuseDuplicate(room, event, relation)
  if (relation.relType === 'm.thread') refuseNestedThread(room, relation)
}

/** An annotation without a key is no reaction, and repeats none. */
function refuseDuplicate({ store }: RoomReader, event: LocalEvent, { parentId, key }: Relation): void {
  if (key === undefined) return
  const { sender, type } = event
  if (hasAnnotated(store.sql, { parentId, sender, type, key })) {
    throw new MatrixError('M_DUPLICATE_ANNOTATION', "Can't send the same reaction twice")
  }
}

function refuseNestedThread({ store }: RoomReader, { parentId }: Relation): void {
  const root = store.event(parentId)
  if (root === undefined) return
  if (relationOf((JSON.parse(root.pdu) as Pdu).content) === undefined) return
  throw new MatrixError('M_UNKNOWN', 'A thread cannot start from an event that relates to another', {
    status: 400,
  })
}
