/** History that a room lacks: what was said before this server took part, or while it was away. Server-Server API §Backfilling. */
import { isEventId } from '../../protocol/identifiers.ts'
import { type RoomVersionRules, roomVersion } from '../../protocol/rooms/room-version.ts'
import { ServerFailure } from '../server-failure.ts'
import { history } from './ask-server.ts'
import { CallBudget } from './call-budget.ts'
import { checkEvents } from './check-events.ts'
import { type ReceivingPorts, type ReceivingRoom, receiveEvents } from './receive.ts'

/** Servers that one request asks, those with the most users first. */
const MOST_SERVERS = 5
/** Events of one answer. */
const AT_ONCE = 100
/** A client waits for it, ms. */
const LONGEST_MS = 10_000
/** What no server gave is asked for again after so long, ms. */
const PAUSE_MS = 60_000
const MOST_KEPT = 2_000

/** What no server gave, until when it is not asked for. */
const resting = new Map<string, number>()

/**
 * Asks the servers in a room for missing events and those before them, and gives them to the Room. Answers whether the
 * room has any of them now.
 * @param missing ids of events that the room's own events name
 */
export async function backfill(
  ports: ReceivingPorts,
  room: ReceivingRoom,
  {
    roomId,
    missing,
    budget = new CallBudget(),
  }: { roomId: string; missing: readonly string[]; budget?: CallBudget },
): Promise<boolean> {
  const { clock, config } = ports
  const startedAt = clock.now()
  // An event may name any text as another one's id. A text that cannot be an id is neither asked for nor remembered.
  const wanted = missing.filter((eventId) => isEventId(eventId) && (resting.get(eventId) ?? 0) <= startedAt)
  if (wanted.length === 0) return false
  const [{ version }, servers] = await Promise.all([
    room.federationFacts(config.serverName),
    room.serversIn(),
  ])
  const rules = roomVersion(version) as RoomVersionRules
  const until = startedAt + LONGEST_MS
  const others = servers.filter((serverName) => serverName !== config.serverName).slice(0, MOST_SERVERS)
  for (const origin of others) {
    const left = until - clock.now()
    if (left <= 0 || !budget.take()) break
    // One that hangs leaves half of the time to those after it.
    const withinMs = origin === others.at(-1) ? left : Math.ceil(left / 2)
    const events = await historyFrom(ports, origin, { roomId, rules, wanted, withinMs })
    if (events.length === 0) continue
    const done = await receiveEvents(ports, room, {
      origin,
      roomId,
      rules,
      events,
      until,
      budget,
      isHistory: true,
    })
    if (wanted.some((eventId) => done[eventId] !== undefined)) return true
  }
  rest(wanted, startedAt + PAUSE_MS)
  return false
}

async function historyFrom(
  { federation: client, keyRing }: ReceivingPorts,
  serverName: string,
  {
    roomId,
    rules,
    wanted,
    withinMs,
  }: { roomId: string; rules: RoomVersionRules; wanted: readonly string[]; withinMs: number },
) {
  try {
    const texts = await history({ client, serverName, roomId, withinMs }, wanted, AT_ONCE)
    return (await checkEvents(texts, rules, { keyRing, atOnce: 2 })).good
  } catch (error) {
    if (error instanceof ServerFailure) return []
    throw error
  }
}

function rest(eventIds: readonly string[], until: number): void {
  for (const eventId of eventIds) {
    resting.delete(eventId)
    const [oldest] = resting.size >= MOST_KEPT ? resting.keys() : []
    if (oldest !== undefined) resting.delete(oldest)
    resting.set(eventId, until)
  }
}
