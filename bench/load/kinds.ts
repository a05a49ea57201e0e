/** The kinds of clients: how each opens, keeps asking or listening, and ends. */

import { StreamClient } from '../../clients/stream/index.ts'
import { type Session, syncPath } from '../client.ts'
import type { Reply } from '../http.ts'
import { Poller } from '../poller.ts'
import type { Reader } from './ledger.ts'
import { type SlidingBody, type Timeline, timelinesOfSliding, timelinesOfSync } from './timelines.ts'

export const KIND_NAMES = ['sync', 'sliding', 'stream'] as const
export type Kind = (typeof KIND_NAMES)[number]

export interface LoadClient {
  /** Resolves when the first answer was taken; what goes wrong until then is told to the reader, and tried again. */
  open(): Promise<void>
  close(): void
}

export const KINDS: Record<Kind, (reader: Reader) => LoadClient> = {
  sync: (reader) =>
    polling(reader, {
      name: 'sync',
      request: ({ http, token }, since) =>
        http.encode('GET', `${syncPath(since, POLL_MS)}&filter=${encodeURIComponent(FILTER)}`, token),
      read: (body) => ({ position: body.next_batch, timelines: timelinesOfSync(body) }),
    }),
  sliding: (reader) =>
    polling(reader, {
      name: 'sliding sync',
      request: ({ http, token }, since) => http.encode('POST', slidingPath(since), token, SLIDING_REQUEST),
      read: (body) => ({ position: body.pos, timelines: timelinesOfSliding(body) }),
    }),
  stream: (reader) => streaming(reader, 'online'),
}

/** A client of the stream that stays silent. Its presence is hidden. */
export function idleStream(reader: Reader): LoadClient {
  return streaming(reader, 'offline')
}

const POLL_MS = 20_000
const TIMELINE_LIMIT = 20
const FILTER = JSON.stringify({
  room: { state: { lazy_load_members: true }, timeline: { limit: TIMELINE_LIMIT } },
})
const SLIDING = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'
const SLIDING_REQUEST = JSON.stringify({
  conn_id: 'load',
  lists: {
    all: {
      ranges: [[0, 19]],
      timeline_limit: TIMELINE_LIMIT,
      required_state: [
        ['m.room.name', ''],
        ['m.room.encryption', ''],
        ['m.room.member', '$LAZY'],
      ],
    },
  },
})

function slidingPath(pos: string | undefined): string {
  return `${SLIDING}?timeout=${POLL_MS}${pos === undefined ? '' : `&pos=${encodeURIComponent(pos)}`}`
}

interface Dialect<Body> {
  name: string
  request(session: Session, since: string | undefined): string
  read(body: Body): { position: string; timelines: Timeline[] }
}

type AnyBody = SlidingBody & Parameters<typeof timelinesOfSync>[0]

function polling(reader: Reader, { name, request, read }: Dialect<AnyBody>): LoadClient {
  let opened = () => {}
  const first = new Promise<void>((resolve) => {
    opened = resolve
  })
  let poller: Poller | undefined
  return {
    open() {
      poller = new Poller(reader.session.http, {
        request: (since) => request(reader.session, since),
        async take(reply, since) {
          const { position, timelines } = read(bodyOf(reply))
          await reader.take(timelines, since === undefined)
          opened()
          return position
        },
        broke(error) {
          reader.broke(`${name}: ${sentence(error)}`)
          // A connection of sliding sync that the server has forgotten begins anew.
          if (sentence(error).includes('M_UNKNOWN_POS') && poller !== undefined) poller.since = undefined
        },
      })
      void poller.run()
      return first
    },
    close: () => poller?.stop(),
  }
}

function bodyOf({ status, body }: Reply): AnyBody {
  if (status !== 200) throw new Error(`${status} ${body.slice(0, 80)}`)
  return JSON.parse(body) as AnyBody
}

function streaming(reader: Reader, presence: 'online' | 'offline'): LoadClient {
  const { http, token } = reader.session
  const client = new StreamClient({
    url: `http://${http.host}:${http.port}`,
    token: () => token,
    filter: FILTER,
    presence,
  })
  client.on('error', (error) => reader.broke(`stream: ${sentence(error)}`))
  client.on('retry', ({ code }) => reader.broke(`stream: lost by ${code}`))
  return {
    async open() {
      const first = new Promise<void>((resolve) => {
        client.on('sync', async (body) => {
          await reader.take(timelinesOfSync(body), client.position === undefined)
          resolve()
        })
      })
      await client.connect()
      // Only now: an end by `close` is no fault.
      await first
    },
    close: () => client.close(),
  }
}

function sentence(error: unknown): string {
  const text = error instanceof Error ? error.message : JSON.stringify(error)
  return text.slice(0, 80)
}
