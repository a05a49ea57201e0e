/** Stripped state by the word of another server. */
import { expect, it } from 'vitest'
import type { JsonValue } from '../../../../src/protocol/events/canonical-json.ts'
import { toldState } from '../../../../src/protocol/rooms/told-state.ts'

const event = (type: string, more: { [key: string]: JsonValue } = {}) => ({
  type,
  state_key: '',
  sender: '@a:a.example',
  content: { n: 1 },
  ...more,
})

it('is cut to what clients know', () => {
  const full = event('m.room.name', { signatures: {}, hashes: {}, event_id: '$x', unsigned: {} })
  expect(toldState([full])).toEqual([event('m.room.name')])
})

it('has one event for each place, and none of another form', () => {
  const wrong: JsonValue[] = [
    null,
    'text',
    [],
    event('m.room.name', { state_key: null }),
    event('m.room.name', { sender: 'nobody' }),
    event('m.room.name', { content: [] }),
    event('x'.repeat(256)),
    event('m.room.topic', { state_key: 'y'.repeat(256) }),
  ]
  const [first, second] = [event('m.room.avatar'), event('m.room.avatar', { content: { n: 2 } })]
  expect(toldState([...wrong, first, second])).toEqual([first])
})

it('has at most thirty events, and 128 KiB', () => {
  expect(toldState(Array.from({ length: 40 }, (_, n) => event(`m.${n}`)))).toHaveLength(30)
  const large = (n: number) => event(`m.${n}`, { content: { text: 'x'.repeat(60_000) } })
  const told = toldState([large(1), large(2), large(3), event('m.small')])
  expect(told.map(({ type }) => type)).toEqual(['m.1', 'm.2', 'm.small'])
})
