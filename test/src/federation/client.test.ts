/** The time of a request to another server. */
import { expect, it } from 'vitest'
import { federationClient } from '../../../src/federation/client.ts'
import { newKey } from '../../support/federation/remote.ts'

it('ends although the server is still being looked for', async () => {
  const asked: number[] = []
  const client = federationClient({
    send: () => Promise.reject(new Error('nothing is sent')),
    async deadline(ms, work) {
      asked.push(ms)
      const controller = new AbortController()
      const working = work(controller.signal)
      controller.abort(new Error('over'))
      return working
    },
    discovery: { find: () => new Promise(() => undefined) },
    config: { serverName: 'here.example', signingKeys: [newKey('ed25519:a')] },
    metrics: { count: () => undefined, observe: () => undefined },
  })
  const asking = client.ask({ kind: 'backfill', destination: 'away.example', uri: '/', withinMs: 700 })
  await expect(asking).rejects.toMatchObject({ kind: 'unreachable' })
  expect(asked).toEqual([700])
})
