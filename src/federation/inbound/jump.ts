/** Jumps to a date in rooms of which other servers have more history. Server-Server API §GET /timestamp_to_event. */
import { ServerFailure } from '../server-failure.ts'
import { type Moment, momentThere } from './ask-server.ts'
import { backfill } from './backfill.ts'
import { CallBudget } from './call-budget.ts'
import type { ReceivingPorts, ReceivingRoom } from './receive.ts'

/** Servers that one jump asks for a nearer event. */
const MOST_SERVERS = 3
/** A jump far back ends with what came by then, a hundred events each time. */
const MOST_FETCHES = 5

interface Jump {
  roomId: string
  ts: number
  dir: 'f' | 'b'
  /** The nearest event that is here, and that the user may see. */
  look: () => Promise<Moment | undefined>
}

/**
 * The nearest event. Where the room lacks history and another server knows a nearer event, "the local homeserver should try
 * to backfill this event": whether the user may see it, the Room says then.
 */
export async function jumpTo(
  ports: ReceivingPorts,
  room: ReceivingRoom & { missingHistory(): Promise<string[]> },
  { roomId, ts, dir, look }: Jump,
): Promise<Moment | undefined> {
  const budget = new CallBudget()
  let found = await look()
  let missing = await room.missingHistory()
  const best = missing.length === 0 ? undefined : await nearestThere(ports, room, { roomId, ts, dir })
  const isNearer = ({ at }: Moment) => found === undefined || Math.abs(at - ts) < Math.abs(found.at - ts)
  for (let fetches = 0; best !== undefined && isNearer(best) && fetches < MOST_FETCHES; fetches += 1) {
    if (missing.length === 0 || !(await backfill(ports, room, { roomId, missing, budget }))) break
    found = await look()
    missing = await room.missingHistory()
  }
  return found
}

/** The answer of the first server that has one. */
async function nearestThere(
  { config, federation: client }: ReceivingPorts,
  room: ReceivingRoom,
  { roomId, ...moment }: Pick<Jump, 'roomId' | 'ts' | 'dir'>,
): Promise<Moment | undefined> {
  const others = (await room.serversIn()).filter((serverName) => serverName !== config.serverName)
  for (const serverName of others.slice(0, MOST_SERVERS)) {
    try {
      return await momentThere({ client, serverName, roomId }, moment)
    } catch (error) {
      if (!(error instanceof ServerFailure)) throw error
    }
  }
  return undefined
}
