/** How long the event stream keeps what it was told: by age, and by size. Offsets go on as if nothing had gone. */
import { describe, expect, it } from 'vitest'
import { partitionOf } from '../../src/protocol/event-stream.ts'
import { must } from '../support/client.ts'
import { settled } from '../support/faults.ts'
import { serving } from '../support/serving.ts'
import { consumerOf, textsIn } from './reader.ts'

describe('where records are kept for a moment', () => {
  const { server, http, alice } = serving(['alice'], {
    'event-stream': 'on',
    'event-stream-retention-ms': '300',
    staysAwake: 'what goes with time is its subject',
  })

  it('they go, a reader goes on with what comes next, and no offset is given twice', async () => {
    const reader = await consumerOf(server, http)
    const roomId = await alice.createRoom()
    const number = partitionOf(roomId)
    const read = async (offset: number | string) =>
      must(await reader.read('events', number, { offset, timeout: 20_000 })).body
    await alice.say(roomId, 'soon gone')
    await settled(http)
    await expect
      .poll(
        async () => {
          const { topics } = must(await reader.get('')).body
          const { first_offset, end_offset, bytes } = topics[0].partitions[number]
          return end_offset > 0 && first_offset === end_offset && bytes === 0
        },
        { timeout: 20_000 },
      )
      .toBe(true)
    const { end_offset: end } = must(await reader.read('events', number, { offset: 'latest' })).body
    const waiting = read(0)
    await alice.say(roomId, 'next')
    const { offset, records } = await waiting
    expect(offset).toBe(end)
    expect(textsIn(records)).toEqual(['next'])
    expect(records.at(-1).offset).toBeGreaterThanOrEqual(end)
  })
})

describe('where little is kept', () => {
  const bytes = 20_000
  const { server, http, alice } = serving(['alice'], {
    'event-stream': 'on',
    'event-stream-retention-bytes': String(bytes),
  })

  it('the oldest records go first, and a reader from the beginning gets what is left', async () => {
    const reader = await consumerOf(server, http)
    const roomId = await alice.createRoom()
    const number = partitionOf(roomId)
    for (let n = 0; n < 30; n += 1) {
      await alice.say(roomId, `${n} ${'x'.repeat(2_000)}`)
      if (n % 5 === 0) await settled(http)
    }
    await reader.until('events', roomId, (all) => textsIn(all).at(-1)?.startsWith('29 ') === true)
    await settled(http)
    const left = await reader.all('events', number)
    const { topics } = must(await reader.get('')).body
    const { first_offset, end_offset, bytes: kept } = topics[0].partitions[number]
    expect(kept).toBeLessThanOrEqual(bytes)
    expect(first_offset).toBeGreaterThan(0)
    expect(left.map(({ offset }) => offset)).toEqual(
      Array.from({ length: end_offset - first_offset }, (_, n) => first_offset + n),
    )
    const { body } = must(await reader.read('events', number, { offset: 0, limit: 1 }))
    expect([body.offset, body.records[0].offset]).toEqual([first_offset, first_offset])
  })
})
