/** A partition knows whether anybody reads it, and says so to those that tell it something: they then tell it sooner. */

import { WebSocket } from 'undici'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { must } from '../support/client.ts'
import { passed, planFault } from '../support/faults.ts'
import { objectName } from '../support/server.ts'
import { serving } from '../support/serving.ts'
import { type Consumer, consumerOf, STREAM } from './reader.ts'

const PARTITION = 5
const { server, http } = serving([], { 'event-stream': 'on' })
let reader: Consumer
let told = 0
const open: WebSocket[] = []

/** Tells the partition a record, and answers whether it is read. */
async function isRead(): Promise<boolean> {
  told += 1
  const record = { pos: told, topic: 'events', body: `{"position":${told}}` }
  const body = { partition: PARTITION, source: '!a:example.org', upTo: told, records: [record] }
  return must(await http.request('POST', '/_selvedge/test/append', body)).body.is_read
}

beforeEach(async () => {
  reader = await consumerOf(server, http)
  await isRead()
  await server.evict('PARTITION', objectName.partition(server.serverName, PARTITION))
})

afterEach(() => {
  for (const socket of open.splice(0)) socket.close()
})

it('by nobody, where nobody has read since it came into the memory', async () => {
  expect(await isRead()).toBe(false)
  must(await reader.get(''))
  expect(await isRead()).toBe(false)
})

it('by one that has read a moment ago', async () => {
  must(await reader.read('events', PARTITION))
  expect(await isRead()).toBe(true)
})

it('by one that has waited since before it left the memory', async () => {
  const { next_offset: offset } = must(await reader.read('events', PARTITION, { offset: 'latest' })).body
  await planFault(http, 'partition:waits')
  const waiting = reader.read('events', PARTITION, { offset, timeout: 25_000 })
  await passed(http, 'partition:waits')
  await server.evict('PARTITION', objectName.partition(server.serverName, PARTITION))
  expect(await isRead()).toBe(true)
  expect(must(await waiting).body.records).toHaveLength(1)
})

it('by one with a socket', async () => {
  const path = `${STREAM}/topics/accounts/${PARTITION}/socket?offset=latest`
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, {
    headers: { authorization: `Bearer ${reader.token}` },
  })
  open.push(socket)
  await new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }))
  expect(await isRead()).toBe(true)
})
