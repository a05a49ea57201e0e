/** What a new epoch does with news that are left for later: a loss too rare for the model's random runs to meet. */
import { expect, it } from 'vitest'
import { Heads } from '../../../durable-objects/user/sync/heads/heads.ts'
import { ModelStore } from './store.ts'

const ROOMS = [1, 2]
const NOTHING_OWED = { owed: new Set<number>() }

it('a new epoch notes what is left for later, so that an object that forgets it asks', () => {
  const store = new ModelStore()
  const parts = { store, rooms: { joined: () => ROOMS, isJoined: () => true }, longestTail: 0 }
  const heads = new Heads(parts)
  for (const room of ROOMS) heads.answered(heads.ask(room, true), 5)
  const first = heads.placeAfter(undefined, {
    moved: new Map(ROOMS.map((room) => [room, 5])),
    ...NOTHING_OWED,
  })
  expect(heads.leave({ room: 1, to: 6, increment: undefined, length: 0 })).toBe(true)
  heads.woken(2, 6)
  const next = heads.placeAfter(first, { moved: new Map([[2, 6]]), ...NOTHING_OWED })
  expect(next.epoch).toBeGreaterThan(first.epoch)
  expect(new Heads(parts).newsOf(next, 1, 5)).toBe('unknown')
})
