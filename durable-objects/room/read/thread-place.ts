/** MSC4306: what a subscription to a thread must know of the room. */
import type { ThreadPlace } from '../../../src/objects/room/timeline.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { Pdu } from '../../../src/protocol/events/event.ts'
import { relationOf } from '../../../src/protocol/events/thread.ts'
import type { RoomReader } from '../context.ts'
import { Viewer } from './visibility.ts'

/**
 * How far the room has come, and where the event stands because of which a client subscribes on its own.
 * @throws MatrixError M_NOT_FOUND for events that the user may not see; IO.ELEMENT.MSC4306.M_NOT_IN_THREAD
 */
export function threadPlace(
  { store }: RoomReader,
  userId: string,
  rootId: string,
  causeId?: string,
): ThreadPlace {
  const viewer = new Viewer(store, userId)
  const seen = (eventId: string) => {
    const row = store.event(eventId)
    if (row === undefined || !viewer.maySee(row)) throw new MatrixError('M_NOT_FOUND', 'Event not found')
    return row
  }
  seen(rootId)
  if (causeId === undefined) return { head: store.head }
  const cause = seen(causeId)
  const relation = relationOf((JSON.parse(cause.pdu) as Pdu).content)
  if (relation?.type !== 'm.thread' || relation.eventId !== rootId) {
    throw new MatrixError(
      'IO.ELEMENT.MSC4306.M_NOT_IN_THREAD',
      'The event that `automatic` names must be in the thread',
    )
  }
  return { head: store.head, cause: cause.pos }
}
