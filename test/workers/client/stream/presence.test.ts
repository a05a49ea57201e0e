/** Presence of a user with a stream: as long as pings come, and no longer. */
import { expect, it } from 'vitest'
import { must } from '../../../support/client.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'
import { openStream } from '../../../support/stream.ts'

const { server, alice } = serving(['alice'], { 'presence-timeout-ms': '1500' })

it('lasts while pings come, which the sleeping object does not hear, and ends after the last one', async () => {
  const user = objectName.user(server.serverName, alice.userId)
  const due = async (): Promise<number> => {
    const [row] = await server.sql('USER', user, "SELECT value FROM meta WHERE key = 'presence'")
    return JSON.parse(String(row!.value)).due
  }
  const status = async () => must(await alice.get(`/presence/${alice.userId}/status`)).body.presence
  const stream = await openStream(server, alice)
  await stream.next(({ type }) => type === 'sync')
  await server.evict('USER', user)
  const first = await due()
  const ping = () => {
    stream.say('{"type":"ping"}')
    return due()
  }
  // The alarm has looked twice, and found that the user is there.
  await expect.poll(ping, { timeout: 25_000, interval: 100 }).toBeGreaterThan(first + 1_500)
  expect(await status()).toBe('online')
  expect((await stream.closed()).code).toBe(4410)
  expect(await status()).toBe('offline')
})
