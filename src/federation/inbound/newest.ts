/** What other servers have that a rebuilt room lacks: each is asked for its newest event, and so for all that is behind it. */
import { type RoomVersionRules, roomVersion } from '../../protocol/rooms/room-version.ts'
import { ServerFailure } from '../server-failure.ts'
import { eventBefore, singleEvent } from './ask-server.ts'
import { CallBudget } from './call-budget.ts'
import { checkEvents } from './check-events.ts'
import { type ReceivingPorts, type ReceivingRoom, receiveEvents } from './receive.ts'

/** Servers that are asked, those with the most users first, and at once. */
const MOST_SERVERS = 5
const AT_ONCE = 2
/** What is not there by then comes with the room's next events, ms. */
const LONGEST_MS = 15_000
/** The clock of a server may be ahead, ms. */
const AHEAD_MS = 24 * 3_600_000

/** What does not answer, or has nothing new, changes nothing. */
export async function askNewest(ports: ReceivingPorts, room: ReceivingRoom, roomId: string): Promise<void> {
  const { clock, config } = ports
  const others = (await room.serversIn()).filter((serverName) => serverName !== config.serverName)
  if (others.length === 0) return
  const { version } = await room.federationFacts(config.serverName)
  const rules = roomVersion(version) as RoomVersionRules
  const until = clock.now() + LONGEST_MS
  const budget = new CallBudget()
  const queue = others.slice(0, MOST_SERVERS).values()
  const asking = Array.from({ length: AT_ONCE }, async () => {
    for (const origin of queue) {
      if (clock.now() >= until) return
      const events = await newestFrom(ports, origin, { roomId, rules })
      if (events.length > 0)
        await receiveEvents(ports, room, { origin, roomId, rules, events, until, budget })
    }
  })
  await Promise.all(asking)
}

async function newestFrom(
  { clock, federation: client, keyRing }: ReceivingPorts,
  serverName: string,
  { roomId, rules }: { roomId: string; rules: RoomVersionRules },
) {
  const server = { client, serverName, roomId }
  try {
    const eventId = await eventBefore(server, clock.now() + AHEAD_MS)
    const text = await singleEvent(server, eventId)
    return text === undefined ? [] : (await checkEvents([text], rules, { keyRing, atOnce: 1 })).good
  } catch (error) {
    if (error instanceof ServerFailure) return []
    throw error
  }
}
