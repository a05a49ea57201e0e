/** Of a restricted room: whether a user of another server is in one of the rooms that let users in. */
import type { RoomGateway } from '../../durable-objects/gate.ts'
import type { TemplateRequest } from '../../src/objects/room/for-servers.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import type { AppContext } from '../app-env.ts'

/** Rooms of a rule that are asked. */
const MOST_ASKED = 10

/** Undefined under any other rule. */
export async function allowRoomsOf(
  { var: { objects } }: AppContext,
  room: Pick<RoomGateway, 'joinRule'>,
  userId: string,
): Promise<TemplateRequest['allowRooms']> {
  const { joinRule, allowRooms } = await room.joinRule()
  if (joinRule !== 'restricted' && joinRule !== 'knock_restricted') return undefined
  const asked = allowRooms.slice(0, MOST_ASKED)
  const answers = await Promise.all(
    asked.map((roomId) =>
      objects
        .room(roomId)
        .isJoinedHere(userId)
        .catch((error: unknown) => {
          if (error instanceof MatrixError && error.errcode === 'M_NOT_FOUND') return undefined
          throw error
        }),
    ),
  )
  return {
    joined: asked.filter((_, index) => answers[index] === true),
    isKnown: asked.length === allowRooms.length && !answers.includes(undefined),
  }
}
