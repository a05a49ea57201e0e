/** Servers that were away: what they get when they are back. */
import { describe, expect, it } from 'vitest'
import { slicesOf } from '../../../src/slices.ts'
import { type Body, must } from '../../support/client.ts'
import { type Guest, guest } from '../../support/federation/guest.ts'
import { federating, newRemote, type Remote } from '../../support/federation/remote.ts'
import { serving } from '../../support/serving.ts'

const { http, server, alice } = serving(['alice'], federating)
const PATIENCE = { timeout: 20_000, interval: 10 }

/** A user of the remote who has joined a new room. */
async function joined(from: Remote): Promise<Guest & { roomId: string }> {
  const version = '11'
  const roomId = await alice.createRoom({ room_version: version, preset: 'public_chat' })
  const made = guest('bob', { http, host: alice, server: from, roomId, version })
  await made.join()
  return { ...made, roomId }
}

describe('a server that was away', () => {
  const SEND = '/_matrix/federation/v1/send/'
  const saidTo = ({ received }: Remote): string[] =>
    received
      .filter(({ uri }) => uri.startsWith(SEND))
      .flatMap(({ body }) => body.pdus)
      .map(({ content }: Body) => content.body)
      .filter((text) => text !== undefined)

  /** What it lacks, once a request to it has failed. */
  async function away(count: number): Promise<{ back: Remote; bob: Guest & { roomId: string } }> {
    const back = newRemote()
    await back.start()
    back.on('PUT', SEND, () => ({ body: { pdus: {} } }))
    const bob = await joined(back)
    await alice.say(bob.roomId, 'here')
    await expect.poll(() => saidTo(back), PATIENCE).toEqual(['here'])
    await back.stop()
    const name = `${server.serverName}/destination/${back.name}`
    await alice.say(bob.roomId, '1')
    const failed = async () =>
      (await server.sql('DESTINATION', name, "SELECT value FROM meta WHERE key = 'backoff'")).length
    await expect.poll(failed, PATIENCE).toBe(1)
    const between = Array.from({ length: Math.max(0, count - 2) }, (_, index) => `${index + 2}`)
    for (const texts of slicesOf(between, 20)) {
      await Promise.all(texts.map((text) => alice.say(bob.roomId, text)))
    }
    await alice.say(bob.roomId, `${count}`)
    await back.start()
    return { back, bob }
  }

  it('gets what it missed as soon as it sends something', async () => {
    const { back, bob } = await away(3)
    expect(saidTo(back)).toEqual(['here'])
    must(await bob.send([await bob.make('back again')]))
    await expect.poll(() => saidTo(back), PATIENCE).toEqual(['here', '1', '2', '3'])
    await back.stop()
  })

  it('gets the newest of very much, and asks for the rest itself', async () => {
    const { back, bob } = await away(502)
    must(await bob.send([await bob.make('back again')]))
    await expect.poll(() => saidTo(back), PATIENCE).toEqual(['here', '502'])
    await alice.say(bob.roomId, 'on')
    await expect.poll(() => saidTo(back), PATIENCE).toEqual(['here', '502', 'on'])
    await back.stop()
  })
})
