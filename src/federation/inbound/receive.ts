/** Gives events of other servers to a Room, with all that it needs of other servers for them. */
import type {
  FederationFacts,
  ReceiveAnswer,
  ReceivedEvent,
  ReceiveRequest,
} from '../../objects/room/federation.ts'
import type { Ports } from '../../ports/ports.ts'
import type { RoomVersionRules } from '../../protocol/rooms/room-version.ts'
import type { CallBudget } from './call-budget.ts'
import { Supply } from './supply.ts'

/** Calls of a Room for the events of one request. */
const MOST_ROUNDS = 60
/** Servers that are asked beside the one that sent the events. */
const OTHERS = 2

/** What a Room is asked. */
export interface ReceivingRoom {
  federationFacts(serverName: string): Promise<FederationFacts>
  serversIn(): Promise<string[]>
  receive(request: ReceiveRequest): Promise<ReceiveAnswer>
}

export type ReceivingPorts = Pick<Ports, 'clock' | 'config' | 'federation' | 'keyRing' | 'metrics'>

export interface Receiving {
  /** The server that sent the events, or gave them. */
  origin: string
  roomId: string
  rules: RoomVersionRules
  events: ReceivedEvent[]
  /** When to stop, ms: what is not done by then is staged. */
  until: number
  budget: CallBudget
  /** They were asked for as history, and those before them come so too. */
  isHistory?: boolean
}

/** Calls the Room until it has all it needs, or until the bounds. Answers what became of the events. */
export async function receiveEvents(
  { clock, config, federation: client, keyRing, metrics }: ReceivingPorts,
  room: ReceivingRoom,
  { origin, roomId, rules, events, until, budget, isHistory = false }: Receiving,
): Promise<ReceiveAnswer['done']> {
  const done: ReceiveAnswer['done'] = {}
  let supply: Supply | undefined
  const receive = async (request: Omit<ReceiveRequest, 'origin'>): Promise<ReceiveAnswer> => {
    const taken = await room.receive({ origin, ...request })
    if (taken.dropped !== undefined)
      metrics.count('federation_bounds_total', { bound: 'staged' }, taken.dropped)
    if (taken.restsUntil !== undefined) metrics.count('federation_bounds_total', { bound: 'resolutions' })
    return taken
  }
  let answer = await receive({ events })
  for (let round = 0; round < MOST_ROUNDS && clock.now() < until; round += 1) {
    Object.assign(done, answer.done)
    if (answer.needs.length === 0 && !answer.more) break
    if (supply === undefined) {
      const others = (await room.serversIn()).filter((name) => name !== origin && name !== config.serverName)
      const serverNames = [origin, ...others.slice(0, OTHERS)]
      const now = () => clock.now()
      supply = new Supply({
        client,
        keyRing,
        metrics,
        rules,
        roomId,
        serverNames,
        isHistory,
        now,
        until,
        budget,
      })
    }
    supply.settle(Object.keys(done))
    const supplied = answer.more ? supply.again() : await supply.fetch(answer.needs)
    if (supplied === undefined || !budget.take()) break
    answer = await receive({ events: [], supplied })
  }
  return Object.assign(done, answer.done)
}
