/** Transactions whose body never ends: they hold nothing up, and end by themselves. */
import { expect, it } from 'vitest'
import { makeXMatrix } from '../../../src/protocol/federation/x-matrix.ts'
import { federating, remote } from '../../support/federation/remote.ts'
import { serving } from '../../support/serving.ts'

const other = remote()
const { server, http } = serving([], { ...federating, 'body-timeout-ms': '500' })
const URI = '/_matrix/federation/v1/send/endless'

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
