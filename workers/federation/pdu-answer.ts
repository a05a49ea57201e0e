/** Answers that hold events as they were signed: their text passes as it is, since versions below 6 have numbers that JSON.parse loses. */
import type { RoomGateway } from '../../durable-objects/gate.ts'
import type { JsonObject } from '../../src/protocol/events/canonical-json.ts'
import { type AppContext, portsIn } from '../app-env.ts'
import { streamText } from '../stream-json.ts'

/** Lists of events by the key that each has in the answer, and its further keys. */
interface PduAnswer {
  lists: Record<string, AsyncIterable<string[]> | string[][]>
  /** Single events, as text. */
  texts?: Record<string, string>
  more?: JsonObject
  /** As the first version of an endpoint has it: the answer stands in a list, after its status. */
  inList?: boolean
}

export function pduAnswer({ lists, texts = {}, more = {}, inList = false }: PduAnswer): Promise<Response> {
  const entries = [
    ...Object.entries(more).map(([key, value]) => [key, JSON.stringify(value)] as const),
    ...Object.entries(texts),
  ]
  const head = entries.map(([key, text]) => `${JSON.stringify(key)}:${text}`).join(',')
  return streamText(inList ? listed(piecesOf(lists, head)) : piecesOf(lists, head))
}

/** "A transaction" of events that were asked for: Server-Server API §Backfilling. */
export function pduTransaction(c: AppContext, pdus: string[]): Promise<Response> {
  const { clock, config } = portsIn(c)
  return pduAnswer({
    lists: { pdus: [pdus] },
    more: { origin: config.serverName, origin_server_ts: clock.now() },
  })
}

/** The events of these ids, as many calls as they take. */
export async function* pdusOf(
  room: Pick<RoomGateway, 'pdus'>,
  origin: string,
  eventIds: readonly string[],
): AsyncGenerator<string[]> {
  let left = eventIds
  while (left.length > 0) {
    const { pdus, taken } = await room.pdus(origin, left.slice(0, IDS_A_CALL))
    yield pdus
    left = left.slice(taken)
  }
}

const IDS_A_CALL = 2_000

async function* listed(pieces: AsyncGenerator<string>): AsyncGenerator<string> {
  yield '[200,'
  yield* pieces
  yield ']'
}

async function* piecesOf(lists: PduAnswer['lists'], head: string): AsyncGenerator<string> {
  yield `{${head}`
  let separator = head === '' ? '' : ','
  for (const [key, parts] of Object.entries(lists)) {
    yield `${separator}${JSON.stringify(key)}:[`
    separator = ''
    for await (const pdus of parts) {
      if (pdus.length === 0) continue
      yield separator + pdus.join(',')
      separator = ','
    }
    yield ']'
    separator = ','
  }
  yield '}'
}
