/** Sockets of consumers: what comes is given at once, one slice at a time, and commits are by acknowledgement. */

import { WebSocket } from 'undici'
import { afterEach, beforeAll, expect, it } from 'vitest'
import { partitionOf } from '../../src/protocol/event-stream.ts'
import { type Body, must } from '../support/client.ts'
import { eventually } from '../support/eventually.ts'
import { objectName } from '../support/server.ts'
import { serving } from '../support/serving.ts'
import { asOperator, type Consumer, consumerOf, newToken, STREAM, textsIn } from './reader.ts'

const { server, http, alice } = serving(['alice'], { 'event-stream': 'on' })
let reader: Consumer
let roomId: string
let partition: number
const open: Socket[] = []

/** A socket that keeps what it hears. */
class Socket {
  readonly messages: Body[] = []
  readonly #socket: WebSocket
  closed: { code: number; reason: string } | undefined

  constructor(query: Record<string, string>, token = reader.token) {
    const url = `${server.url.replace('http', 'ws')}${STREAM}/topics/events/${partition}/socket`
    this.#socket = new WebSocket(`${url}?${new URLSearchParams(query)}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    this.#socket.addEventListener('message', ({ data }) => this.messages.push(JSON.parse(String(data))))
    this.#socket.addEventListener('close', ({ code, reason }) => {
      this.closed = { code, reason }
    })
    open.push(this)
  }

  say(message: unknown): void {
    this.#socket.send(JSON.stringify(message))
  }

  ack(more: Body = {}): void {
    this.say({ type: 'ack', next_offset: this.messages.at(-1).next_offset, ...more })
  }

  /** The slices that have come, once there are so many. */
  async slices(count: number): Promise<Body[]> {
    const found = () => this.messages.filter(({ type }) => type === 'records')
    return eventually(found, (all) => all.length >= count)
  }

  ended(): Promise<{ code: number; reason: string } | undefined> {
    return eventually(
      () => this.closed,
      (closed) => closed !== undefined,
    )
  }

  close(): void {
    this.#socket.close()
  }
}

beforeAll(async () => {
  reader = await consumerOf(server, http)
  roomId = await alice.createRoom()
  partition = partitionOf(roomId)
  for (let n = 0; n < 4; n += 1) await alice.say(roomId, `n${n}`)
  await reader.until('events', roomId, (all) => textsIn(all).length === 4)
})

afterEach(() => {
  for (const socket of open.splice(0)) socket.close()
})

it('are given one slice after the other, each once the one before is acknowledged', async () => {
  const all = await reader.all('events', partition)
  const socket = new Socket({ limit: '2' })
  const [first] = await socket.slices(1)
  expect(first.records).toEqual(all.slice(0, 2))
  socket.ack()
  const [, second] = await socket.slices(2)
  expect(second.records).toEqual(all.slice(2, 4))
  expect(socket.messages[0]).toMatchObject({ type: 'hello', topic: 'events', offset: 0 })
})

it('are given what comes, after their partition has slept too', async () => {
  const socket = new Socket({ offset: 'latest' })
  await eventually(
    () => socket.messages,
    (all) => all.length === 1,
  )
  await alice.say(roomId, 'first')
  expect(textsIn((await socket.slices(1))[0].records)).toEqual(['first'])
  socket.ack()
  await server.evict('PARTITION', objectName.partition(server.serverName, partition))
  await alice.say(roomId, 'second')
  expect(textsIn((await socket.slices(2))[1].records)).toEqual(['second'])
})

it('commit for their group by an acknowledgement', async () => {
  const socket = new Socket({ group: 'by-socket', limit: '3' })
  await socket.slices(1)
  socket.ack({ commit: true })
  await socket.slices(2)
  const { offset } = must(await reader.read('events', partition, { group: 'by-socket' })).body
  expect(offset).toBe(3)
})

it('are closed when another member of the group has the partition', async () => {
  const socket = new Socket({ group: 'passed-on', epoch: '1', offset: 'latest' })
  await eventually(
    () => socket.messages,
    (all) => all.length === 1,
  )
  must(await reader.read('events', partition, { group: 'passed-on', epoch: 2 }))
  await alice.say(roomId, 'for the other one')
  expect(await socket.ended()).toMatchObject({ code: 4409 })
})

it('are closed when their token is revoked', async () => {
  const { id, token } = await newToken(server, http)
  const socket = new Socket({ offset: 'latest' }, token)
  await eventually(
    () => socket.messages,
    (all) => all.length === 1,
  )
  must(await asOperator(server, http, { method: 'DELETE', path: `/tokens/${id}` }))
  expect(await socket.ended()).toMatchObject({ code: 4401 })
})

it.each([
  ['no JSON', '{'],
  ['no message', { type: 'hello' }],
  ['no offset', { type: 'ack', next_offset: -1 }],
  ['what was never sent', { type: 'ack', next_offset: 1_000_000 }],
])('are closed when the consumer says %s', async (_, message) => {
  const socket = new Socket({})
  await socket.slices(1)
  socket.say(message)
  expect(await socket.ended()).toMatchObject({ code: 4400 })
})

it('are closed for an acknowledgement of what was not sent yet', async () => {
  const socket = new Socket({ limit: '2' })
  await socket.slices(1)
  socket.say({ type: 'ack', next_offset: 3 })
  expect(await socket.ended()).toMatchObject({ code: 4400 })
})

it('are not opened without an upgrade, by a wrong token, or for another topic', async () => {
  const plain = await reader.get(`/topics/events/${partition}/socket`)
  expect([plain.status, plain.body.errcode]).toEqual([426, 'M_UNRECOGNIZED'])
  const narrow = await newToken(server, http, { topics: ['receipts'] })
  for (const token of [narrow.token, 'none']) {
    const socket = new Socket({}, token)
    await socket.ended()
    expect(socket.messages).toEqual([])
  }
})
