/** The load on a small scale: whatever the kind of client, nothing is lost, and what would be lost is noticed. */
import { afterAll, describe, expect, it } from 'vitest'
import { call, createRoom, register, type Session, send } from '../../../bench/client.ts'
import { HttpClient } from '../../../bench/http.ts'
import { KIND_NAMES } from '../../../bench/load/kinds.ts'
import { Ledger, Reader } from '../../../bench/load/ledger.ts'
import { type LoadOptions, readLoadOptions } from '../../../bench/load/options.ts'
import { renderLoad, wentWell } from '../../../bench/load/report.ts'
import { runLoad } from '../../../bench/load/run.ts'
import {
  type SlidingBody,
  type Timeline,
  timelinesOfSliding,
  timelinesOfSync,
} from '../../../bench/load/timelines.ts'
import type { SyncBody } from '../../../clients/stream/index.ts'
import { serving } from '../../support/serving.ts'

const { server } = serving()
const opened: HttpClient[] = []
afterAll(() => {
  for (const http of opened) http.close()
})

const SMALL = { clients: 10, groups: 5, rate: 20, seconds: 1, connectRate: 100, idle: 0 }

function client(): HttpClient {
  const http = new HttpClient(server.url)
  opened.push(http)
  return http
}

function load(options: LoadOptions, restart?: () => Promise<void>) {
  const target = { url: server.url, pids: [process.pid], restart, stop: async () => undefined }
  return runLoad({ server: target, http: client(), options, restMs: 0, say: () => undefined })
}

describe('ten clients in two groups', () => {
  it.each(KIND_NAMES)('of %s are told of every message once', async (kind) => {
    const result = await load({ ...SMALL, kind })
    expect(result).toMatchObject({
      clients: { count: 10, failed: 0 },
      talk: { acknowledged: 20, deliveries: 100, lost: 0, doubled: 0 },
      errors: {},
    })
    expect(wentWell(result)).toBe(true)
  })

  it('may have idle sockets beside them, or these may be alone', async () => {
    const result = await load({ ...SMALL, idle: 3 })
    expect(result).toMatchObject({ idle: { count: 3, failed: 0 }, errors: {} })
    expect(result.talk).toBeUndefined()
    const options = { ...SMALL, idle: 3, out: '' }
    const table = renderLoad({ date: '', machine: '', busy: 0, options, result })
    expect(table).toMatch(/idle sockets \| connected +\| 3 /)
  })
})

it('the server is started anew when all have registered, and the clients find it again', async () => {
  let restarts = 0
  const result = await load({ ...SMALL, kind: 'stream' }, async () => {
    restarts += 1
    await server.restart()
  })
  expect(restarts).toBe(1)
  expect(result).toMatchObject({ clients: { failed: 0 }, talk: { acknowledged: 20, lost: 0 }, errors: {} })
})

describe('the account of a run', () => {
  const timeline = (...bodies: string[]): Timeline => ({
    roomId: '!room',
    events: bodies.map((body) => ({ type: 'm.room.message', content: { body } })),
    gap: undefined,
  })

  it('tells what one of the readers has not seen, and what one saw twice', async () => {
    const ledger = new Ledger()
    const session = await register(client())
    const [one, other] = [new Reader(session, ledger), new Reader(session, ledger)]
    for (const marker of ['a', 'b', 'refused']) ledger.sending(marker)
    for (const marker of ['a', 'b']) ledger.acknowledge(marker, [one, other])
    await one.take([timeline('a', 'b')], true)
    await other.take([timeline('a')], true)
    expect([ledger.lost, ledger.doubled]).toEqual([1, 0])
    await other.take([timeline('a')], true)
    expect(ledger.doubled).toBe(0)
    await other.take([timeline('a')], false)
    expect([ledger.lost, ledger.doubled]).toEqual([1, 1])
    await other.take([timeline('b')], false)
    expect(ledger.lost).toBe(0)
    expect(ledger.deliveries).toHaveLength(4)
  })

  it.each([
    ['sync', syncOfTwo],
    ['sliding sync', slidingOfTwo],
  ])('has what an answer of %s leaves out, which is asked for', async (_, ask) => {
    const ledger = new Ledger()
    const session = await register(client())
    const reader = new Reader(session, ledger)
    const room = await createRoom(session)
    const say = async (marker: string) => {
      ledger.sending(marker)
      await send(session, room, marker)
      ledger.acknowledge(marker, [reader])
    }
    await say('first')
    const first = await ask(session)
    await reader.take(first.timelines, true)
    for (const marker of ['b', 'c', 'd', 'e']) await say(marker)
    const second = await ask(session, first.position)
    expect(second.timelines.map(({ events }) => events.length)).toEqual([2])
    await reader.take(second.timelines, false)
    expect(ledger).toMatchObject({ gaps: 1, lost: 0, doubled: 0, acknowledged: 5 })
    expect(ledger.deliveries).toHaveLength(5)
  })

  it('counts many different errors in few rows', () => {
    const ledger = new Ledger()
    for (let i = 0; i < 100; i += 1) ledger.error(`error ${i}`)
    expect(Object.keys(ledger.errors)).toHaveLength(21)
    expect(ledger.errors.others).toBe(80)
  })
})

interface Told {
  position: string
  timelines: Timeline[]
}

/** An answer of `/sync` with at most two events of a timeline. */
async function syncOfTwo({ http, token }: Session, since?: string): Promise<Told> {
  const filter = JSON.stringify({ room: { timeline: { limit: 2 } } })
  const query = new URLSearchParams({ filter, ...(since !== undefined && { since }) })
  const body = await call<SyncBody>(http, 'GET', `/_matrix/client/v3/sync?${query}`, token)
  return { position: body.next_batch, timelines: timelinesOfSync(body) }
}

/** The same of sliding sync. */
async function slidingOfTwo({ http, token }: Session, pos?: string): Promise<Told> {
  const path = `/_matrix/client/unstable/org.matrix.simplified_msc3575/sync${pos === undefined ? '' : `?pos=${encodeURIComponent(pos)}`}`
  const lists = { all: { ranges: [[0, 9]], timeline_limit: 2, required_state: [] } }
  const body = await call<SlidingBody>(http, 'POST', path, token, { lists })
  return { position: body.pos, timelines: timelinesOfSliding(body) }
}

describe('the options', () => {
  it.each([
    ['', '--kind is needed: sync, sliding, stream; or --idle, for idle sockets alone'],
    ['--kind smoke', '--kind must be one of sync, sliding, stream, not "smoke"'],
    ['--kind sync --clients 6000', '--clients must be a whole number from 2 to 5000, not "6000"'],
    ['--kind sync --rate 1.5', '--rate must be a whole number from 1 to 1000, not "1.5"'],
    ['--kind sync --clients 30', '--clients must be a multiple of --groups: 30 is none of 20'],
    [
      '--kind sync --url https://matrix.org',
      '--url must be on this machine, such as http://127.0.0.1:8008, not "https://matrix.org"',
    ],
    [
      '--kind sync --url http://127.0.0.1.example.org',
      '--url must be on this machine, such as http://127.0.0.1:8008, not "http://127.0.0.1.example.org"',
    ],
  ])('%j: %s', (line, sentence) => {
    expect(() => readLoadOptions(line.split(' ').filter(Boolean))).toThrow(new Error(sentence))
  })

  it('are a hundred clients in groups of twenty unless told', () => {
    expect(readLoadOptions(['--kind', 'stream'])).toMatchObject({ kind: 'stream', clients: 100, groups: 20 })
    expect(readLoadOptions(['--idle', '7', '--url', 'http://localhost:8008/x'])).toMatchObject({
      idle: 7,
      url: 'http://localhost:8008',
    })
    expect(readLoadOptions(['--help'])).toBeUndefined()
  })
})
