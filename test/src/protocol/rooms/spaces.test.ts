/** The children of spaces. */
import { expect, it } from 'vitest'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import type { Pdu } from '../../../../src/protocol/events/event.ts'
import { isSuggested, spaceChildren } from '../../../../src/protocol/rooms/spaces.ts'

const child = (stateKey: string, ts: number, content: JsonObject): Pdu => ({
  type: 'm.space.child',
  state_key: stateKey,
  sender: '@a:test.example',
  content,
  origin_server_ts: ts,
  depth: 1,
  auth_events: [],
  prev_events: [],
  hashes: { sha256: '' },
  signatures: {},
})
const via = ['test.example']
const keys = (events: Pdu[]) => spaceChildren(events).map((event) => event.state_key)

it('come in the order of the example of the specification', () => {
  const events = [
    child('!d', 1640741000000, { via }),
    child('!e', 1640641000000, { via }),
    child('!c', 1640841000000, { via, order: 'first' }),
    child('!a', 1640141000000, { via, order: 'aaaa' }),
    child('!b', 1640341000000, { via, order: ' ' }),
  ]
  expect(keys(events)).toEqual(['!b', '!a', '!c', '!e', '!d'])
})

it('of the same order come by time, and of the same time by id', () => {
  const order = 'x'
  const events = [
    child('!b', 2, { via, order }),
    child('!c', 1, { via, order }),
    child('!a', 2, { via, order }),
  ]
  expect(keys(events)).toEqual(['!c', '!a', '!b'])
})

it.each([
  ['no text', 7],
  ['longer than 50 characters', 'x'.repeat(51)],
  ['beyond ASCII', 'ä'],
  ['with a control character', '\n'],
])('with an order that is %s come last', (_, order) => {
  expect(keys([child('!a', 1, { via, order }), child('!b', 2, { via, order: '~' })])).toEqual(['!b', '!a'])
})

it.each([
  ['no via', {}],
  ['an empty via', { via: [] }],
  ['a via that is no list', { via: 'test.example' }],
])('with %s are no children', (_, content) => {
  expect(keys([child('!a', 1, content)])).toEqual([])
})

it('are suggested only by true', () => {
  const events = [true, false, 'true'].map((suggested, index) =>
    child(`!${index}`, index, { via, suggested }),
  )
  expect(spaceChildren(events).map(isSuggested)).toEqual([true, false, false])
})
