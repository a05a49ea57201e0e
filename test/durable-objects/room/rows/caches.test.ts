/** What a Room keeps of its state in memory. */
import { describe, expect, it } from 'vitest'
import { StateCache } from '../../../../durable-objects/room/rows/caches.ts'
import type { IdentifiedPdu } from '../../../../src/protocol/events/event.ts'

const MEMBER = 'm.room.member'
const event = (eventId: string, bytes: number) =>
  ({ eventId, pdu: { type: MEMBER, content: { reason: 'x'.repeat(bytes) } } }) as unknown as IdentifiedPdu

describe('the state that a Room keeps', () => {
  it('knows of a key that it has no event', () => {
    const cache = new StateCache()
    expect(cache.get(MEMBER, '@a:x')).toBeUndefined()
    cache.remember(MEMBER, '@a:x', undefined)
    expect(cache.get(MEMBER, '@a:x')).toMatchObject({ event: undefined })
  })

  it('is 512 events at most, and the newest of them', () => {
    const cache = new StateCache()
    for (let n = 0; n < 600; n += 1) cache.remember(MEMBER, `@${n}:x`, event(`$${n}`, 10))
    expect(cache.get(MEMBER, '@87:x')).toBeUndefined()
    expect(cache.get(MEMBER, '@88:x')?.event?.eventId).toBe('$88')
  })

  it('is two million characters at most, however few events these are', () => {
    const cache = new StateCache()
    for (let n = 0; n < 100; n += 1) cache.remember(MEMBER, `@${n}:x`, event(`$${n}`, 60_000))
    expect(cache.get(MEMBER, '@66:x')).toBeUndefined()
    expect(cache.get(MEMBER, '@67:x')?.event?.eventId).toBe('$67')
  })

  it('counts a key once, whatever stood there before', () => {
    const cache = new StateCache()
    cache.remember(MEMBER, '@a:x', event('$a', 10))
    for (let n = 0; n < 100; n += 1) cache.remember(MEMBER, '@b:x', event(`$${n}`, 60_000))
    expect(cache.get(MEMBER, '@a:x')?.event?.eventId).toBe('$a')
    cache.clear()
    for (let n = 0; n < 33; n += 1) cache.remember(MEMBER, `@${n}:x`, event(`$${n}`, 60_000))
    expect(cache.get(MEMBER, '@0:x')?.event?.eventId).toBe('$0')
  })
})
