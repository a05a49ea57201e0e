/** A user of a remote server in a room of the server under test, who speaks by transactions. */
import { authEventKeys } from '../../../src/protocol/auth/auth-events.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { type BuiltEvent, buildEvent } from '../../../src/protocol/events/event-builder.ts'
import type { SigningKey } from '../../../src/protocol/events/signing.ts'
import { roomVersion } from '../../../src/protocol/rooms/room-version.ts'
import { type Answer, type Api, type Body, type Client, must } from '../client.ts'
import type { Remote, SignedAs } from './remote.ts'

let transactions = 0

/** What an event has other than usual. */
export interface Oddities {
  sender?: string
  prev?: string[]
  key?: SigningKey
  /** The server in the signature. */
  signer?: string
  auth?: string[]
  ts?: number
  depth?: number
  type?: string
  stateKey?: string
  content?: JsonObject
}

export interface Guest {
  userId: string
  /** Makes an event after the room's newest one, or after `prev`. */
  make(text: string, odd?: Oddities): Promise<BuiltEvent>
  /** Messages that follow each other, the first after the event `after`. */
  chain(texts: readonly string[], after: string): Promise<BuiltEvent[]>
  /** Sends events in one transaction. */
  send(events: readonly (BuiltEvent | Body)[], as?: Partial<SignedAs>): Promise<Answer>
  join(): Promise<void>
}

/** The user `name` of the remote. @param host a local member, by whom the state and the newest event are read */
export function guest(
  name: string,
  {
    http,
    host,
    server,
    roomId,
    version,
  }: { http: Api; host: Client; server: Remote; roomId: string; version: string },
): Guest {
  const userId = `@${name}:${server.name}`
  const rules = roomVersion(version)!
  const path = `/rooms/${encodeURIComponent(roomId)}`
  let depth = 1_000

  async function stateIds(): Promise<Map<string, string>> {
    const { body } = must(await host.get(`${path}/state`))
    return new Map(body.map((event: Body) => [`${event.type} ${event.state_key}`, event.event_id]))
  }

  async function newest(): Promise<string> {
    return must(await host.get(`${path}/messages`, { dir: 'b', limit: 1 })).body.chunk[0].event_id
  }

  function build(text: string, odd: Oddities & { prev: string[] }, state: Map<string, string>): BuiltEvent {
    const event = {
      type: odd.type ?? 'm.room.message',
      sender: odd.sender ?? userId,
      stateKey: odd.stateKey,
      content: odd.content ?? { msgtype: 'm.text', body: text },
    }
    const keys = authEventKeys(rules, event)
    depth += 1
    return buildEvent(
      rules,
      {
        ...event,
        roomId,
        redacts: undefined,
        originServerTs: odd.ts ?? Date.now(),
        depth: odd.depth ?? depth,
        authEvents:
          odd.auth ?? keys.map(([type, key]) => state.get(`${type} ${key}`)).filter((id) => id !== undefined),
        prevEvents: odd.prev,
      },
      odd.signer ?? server.name,
      odd.key ?? server.key,
    )
  }

  const self: Guest = {
    userId,
    async make(text, odd = {}) {
      return build(text, { ...odd, prev: odd.prev ?? [await newest()] }, await stateIds())
    },
    async chain(texts, after) {
      const state = await stateIds()
      let last = after
      return texts.map((text) => {
        const event = build(text, { prev: [last] }, state)
        last = event.eventId
        return event
      })
    },
    send(events, as) {
      transactions += 1
      const pdus = events.map((event) => ('pdu' in event ? event.pdu : event))
      const content = { origin: server.name, origin_server_ts: Date.now(), pdus }
      return server.ask(http, 'PUT', `/_matrix/federation/v1/send/t${transactions}`, content as Body, as)
    },
    async join() {
      const event = await self.make('', {
        type: 'm.room.member',
        stateKey: userId,
        content: { membership: 'join' },
      })
      const { body } = must(await self.send([event]))
      if (body.pdus[event.eventId]?.error !== undefined) throw new Error(body.pdus[event.eventId].error)
    },
  }
  return self
}
