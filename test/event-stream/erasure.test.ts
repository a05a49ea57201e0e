/** What is redacted or erased is gone from the event stream too, and from the file in which that is kept. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { partitionOf } from '../../src/protocol/event-stream.ts'
import { type Body, must, proof } from '../support/client.ts'
import { planFault, settled } from '../support/faults.ts'
import { serving } from '../support/serving.ts'
import { type Consumer, consumerOf, textsIn } from './reader.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'], { 'event-stream': 'on', erasure: 'everybody' })
let reader: Consumer

beforeAll(async () => {
  reader = await consumerOf(server, http)
})

const redact = (roomId: string, eventId: string) =>
  alice.put(`/rooms/${encodeURIComponent(roomId)}/redact/${encodeURIComponent(eventId)}/r1`, {
    reason: 'none',
  })

/** Whether any file of the partitions holds a text. */
function isOnDisk(text: string): boolean {
  const folder = join(server.folder, 'objects', 'do')
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names
    .filter((name) => name.includes('Partition') && name.endsWith('.sqlite'))
    .some((name) => readFileSync(join(folder, name)).includes(text))
}

/** What a room has told once it has told of a redaction. A read by slices may begin before it, so all is read once more. */
async function afterRedaction(roomId: string): Promise<Body[]> {
  await reader.until('events', roomId, (all) => all.some(({ kind }) => kind === 'redacted'))
  return reader.of('events', roomId)
}

describe('a redaction', () => {
  it('takes the content out of the record, whose offset and neighbours stay as they are', async () => {
    const roomId = await alice.createRoom()
    await alice.say(roomId, 'before')
    const said = await alice.say(roomId, 'regretted words')
    await alice.say(roomId, 'after')
    const told = await reader.until('events', roomId, (all) => textsIn(all).length === 3)
    must(await redact(roomId, said))
    const now = await afterRedaction(roomId)
    expect(textsIn(now)).toEqual(['before', '', 'after'])
    const was = told.find(({ event }) => event.event_id === said)!
    const is = now.find(({ offset }) => offset === was.offset)!
    expect(is).toMatchObject({
      kind: 'event',
      redacted: true,
      position: was.position,
      timestamp: was.timestamp,
    })
    expect(is.event).toMatchObject({ event_id: said, sender: alice.userId, content: {} })
    expect(now.find(({ kind }) => kind === 'redacted').event).toMatchObject({ event_id: said, content: {} })
    expect(now.filter(({ offset }) => offset !== was.offset).slice(0, told.length - 1)).toEqual(
      told.filter(({ offset }) => offset !== was.offset),
    )
    expect(JSON.stringify(await reader.all('events', partitionOf(roomId)))).not.toContain('regretted words')
  })

  it('comes through when its event had not been told yet', async () => {
    const roomId = await alice.createRoom()
    await settled(http)
    await planFault(http, 'drop:partition.append', 1_000)
    must(await redact(roomId, await alice.say(roomId, 'never told')))
    await planFault(http, 'drop:partition.append', 0)
    const told = await afterRedaction(roomId)
    expect(JSON.stringify(told)).not.toContain('never told')
  })
})

it('an erasure takes what the user said, where it takes that from everybody', async () => {
  const roomId = await alice.createRoom({ invite: [bob.userId] })
  must(await bob.join(roomId))
  await bob.say(roomId, 'words of a user who goes')
  await reader.until('events', roomId, (all) => textsIn(all).length === 1)
  must(await bob.post('/account/deactivate', { erase: true, auth: proof('bob') }))
  await reader.until('events', roomId, (all) => !JSON.stringify(all).includes('words of a user who goes'))
  await settled(http)
  const accounts = await reader.of('accounts', bob.userId)
  expect(accounts.at(-1)).toMatchObject({ kind: 'standing', deactivated: true })
  expect(isOnDisk('words of a user who goes')).toBe(false)
})
