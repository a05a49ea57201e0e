/** Transactions whose body never ends: they hold nothing up, and end by themselves. */
import { expect, it } from 'vitest'
import { makeXMatrix } from '../../../src/protocol/federation/x-matrix.ts'
import { federating, remote } from '../../support/federation/remote.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { server, http } = serving([], { ...federating, 'body-timeout-ms': '3000' })
const URI = '/_matrix/federation/v1/send/endless'

it('few bodies of one address are read at the same time', async () => {
  const request = { method: 'PUT', uri: URI, destination: 'test.example', content: '{"pdus":[]}' }
  const headers = { authorization: makeXMatrix(other.name, request, other.key) }
  const stop = new AbortController()
  const slow = Array.from({ length: 8 }, () =>
    fetch(`${server.url}${URI}`, {
      method: 'PUT',
      headers,
      body: new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('{')) }),
      duplex: 'half',
      signal: stop.signal,
    } as RequestInit).catch(() => undefined),
  )
  const status = async () => (await other.ask(http, 'PUT', URI, { pdus: [] })).status
  await expect.poll(status, { timeout: 20_000 }).toBe(429)
  stop.abort()
  await Promise.all(slow)
  await expect.poll(status, { timeout: 10_000 }).toBe(200)
})

it('a body that stops coming is given up', async () => {
  const request = { method: 'PUT', uri: URI, destination: 'test.example', content: '{"pdus":[]}' }
  const never = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode('{"pdus":[')),
  })
  const answer = await fetch(`${server.url}${URI}`, {
    method: 'PUT',
    headers: {
      authorization: makeXMatrix(other.name, request, other.key),
      'content-type': 'application/json',
    },
    body: never,
    duplex: 'half',
  } as RequestInit)
  expect(answer.status).toBe(408)
  await answer.body?.cancel()
  expect((await other.ask(http, 'PUT', URI, { pdus: [] })).status).toBe(200)
})
