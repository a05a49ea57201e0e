/** Which of two states of a user holds. */
import { expect, it } from 'vitest'
import { compareStates } from '../../../src/protocol/presence.ts'

const known = { presence: 'online', statusMsg: 'here', since: 5 }

it.each([
  ['unknown before', known, undefined, 'news'],
  ['of a later time', { ...known, presence: 'offline', since: 6 }, known, 'news'],
  ['of the same time', { ...known, presence: 'offline' }, known, 'news'],
  ['with another message', { ...known, statusMsg: undefined }, known, 'news'],
  ['that has only begun anew', { ...known, since: 6 }, known, 'same'],
  ['of an earlier time', { ...known, presence: 'offline', since: 4 }, known, 'older'],
  ['of no time, where one is known', { presence: 'offline' }, known, 'older'],
  ['of no time, where none is known', { presence: 'offline' }, { presence: 'online' }, 'news'],
] as const)('a state %s', (_, state, before, expected) => {
  expect(compareStates(state, before)).toBe(expected)
})
