/** Filters: what is accepted, and what they let through. */
import { describe, expect, test } from 'vitest'
import { MatrixError } from '../../../../src/protocol/errors.ts'
import {
  matchesEvent,
  matchesRoomEvent,
  parseFilter,
  parseRoomEventFilter,
  type RoomEventFilter,
  selectEventFields,
  timelineLimit,
  wantsRoom,
} from '../../../../src/protocol/matching/filter.ts'

/** The example of POST /user/{userId}/filter. */
const EXAMPLE = {
  event_fields: ['type', 'content', 'sender'],
  event_format: 'client',
  presence: { not_senders: ['@alice:example.com'], types: ['m.presence'] },
  room: {
    ephemeral: {
      not_rooms: ['!726s6s6q:example.com'],
      not_senders: ['@spam:example.com'],
      types: ['m.receipt', 'm.typing'],
    },
    state: { not_rooms: ['!726s6s6q:example.com'], types: ['m.room.*'] },
    timeline: {
      limit: 10,
      not_rooms: ['!726s6s6q:example.com'],
      not_senders: ['@spam:example.com'],
      types: ['m.room.message'],
    },
  },
}

describe('parsing', () => {
  test("takes the specification's example whole", () => {
    expect(parseFilter(EXAMPLE)).toEqual(EXAMPLE)
  })
  test('takes every field', () => {
    const events = { limit: 5, types: ['a'], not_types: ['b'], senders: ['@a:b'], not_senders: ['@c:d'] }
    const roomEvents = {
      ...events,
      rooms: ['!a:b'],
      not_rooms: ['!c'],
      contains_url: false,
      lazy_load_members: true,
      include_redundant_members: true,
      unread_thread_notifications: true,
      'org.matrix.msc3874.rel_types': ['m.thread'],
      'org.matrix.msc3874.not_rel_types': ['m.replace'],
    }
    const filter = {
      event_fields: ['content.body'],
      event_format: 'federation',
      account_data: events,
      presence: events,
      room: {
        rooms: ['!a:b'],
        not_rooms: ['!c:d'],
        include_leave: true,
        account_data: roomEvents,
        ephemeral: roomEvents,
        state: roomEvents,
        timeline: roomEvents,
      },
    }
    expect(parseFilter(filter)).toEqual(filter)
    expect(parseRoomEventFilter(roomEvents)).toEqual(roomEvents)
  })
  test('ignores unknown keys at every depth', () => {
    expect(parseFilter({ x: 1, room: { y: 2, timeline: { z: 3, limit: 1 } } })).toEqual({
      room: { timeline: { limit: 1 } },
    })
  })
  test.each([
    [null],
    [[]],
    ['{}'],
    [{ event_fields: 'type' }],
    [{ event_format: 'other' }],
    [{ account_data: 'x' }],
    [{ presence: { senders: ['@bar;example.com'] } }],
    [{ presence: { types: 'm.presence' } }],
    [{ room: [] }],
    [{ room: { not_rooms: ['#alias:example.com'] } }],
    [{ room: { include_leave: 'true' } }],
    [{ room: { timeline: { limit: '10' } } }],
    [{ room: { timeline: { limit: -1 } } }],
    [{ room: { timeline: { limit: 1.5 } } }],
    [{ room: { timeline: { contains_url: 1 } } }],
    [{ room: { state: { lazy_load_members: 'yes' } } }],
    [{ room: { state: { 'org.matrix.msc3874.rel_types': 'm.thread' } } }],
  ])('refuses %j', (json) => {
    expect(() => parseFilter(json)).toThrow(MatrixError)
    expect(() => parseFilter(json)).toThrow(expect.objectContaining({ errcode: 'M_BAD_JSON', status: 400 }))
  })
  test('says where the fault is', () => {
    expect(() => parseFilter({ room: { timeline: { limit: 'x' } } })).toThrow(/room\.timeline\.limit/)
    expect(() => parseRoomEventFilter([])).toThrow(expect.objectContaining({ errcode: 'M_BAD_JSON' }))
  })
})

describe('room events', () => {
  const ROOM = '!room:example.com'
  type Subject = Parameters<typeof matchesRoomEvent>[1]
  const event: Subject = {
    type: 'm.room.message',
    sender: '@alice:example.com',
    content: { body: 'hi' },
  }
  const linked = { ...event, content: { url: 'mxc://x/y' } }
  const related = { ...event, content: { 'm.relates_to': { rel_type: 'm.thread' } } }

  test.each<
    [title: string, filter: RoomEventFilter | undefined, of: typeof event | typeof linked, wanted: boolean]
  >([
    ['no filter', undefined, event, true],
    ['an empty filter', {}, event, true],
    ['its type', { types: ['m.room.message'] }, event, true],
    ['another type', { types: ['m.room.name'] }, event, false],
    ['no type at all', { types: [] }, event, false],
    ['its type excluded', { not_types: ['m.room.message'] }, event, false],
    ['its type in both', { types: ['m.room.message'], not_types: ['m.room.message'] }, event, false],
    ['nothing excluded', { not_types: [] }, event, true],
    ['its type by wildcard', { types: ['m.room.*'] }, event, true],
    ['every type', { types: ['*'] }, event, true],
    ['its type excluded by wildcard', { types: ['m.room.message'], not_types: ['m.*'] }, event, false],
    ['its sender', { senders: [event.sender] }, event, true],
    ['another sender', { senders: ['@bob:example.com'] }, event, false],
    ['no sender at all', { senders: [] }, event, false],
    ['its sender in both', { senders: [event.sender], not_senders: [event.sender] }, event, false],
    ['another sender excluded', { not_senders: ['@bob:example.com'] }, event, true],
    ['its room', { rooms: [ROOM] }, event, true],
    ['another room', { rooms: ['!other:example.com'] }, event, false],
    ['no room at all', { rooms: [] }, event, false],
    ['its room in both', { rooms: [ROOM], not_rooms: [ROOM] }, event, false],
    ['a url asked for', { contains_url: true }, event, false],
    ['a url asked for and there', { contains_url: true }, linked, true],
    ['no url asked for', { contains_url: false }, event, true],
    ['no url asked for, one there', { contains_url: false }, linked, false],
    ['its relation', { 'org.matrix.msc3874.rel_types': ['m.thread'] }, related, true],
    ['another relation', { 'org.matrix.msc3874.rel_types': ['m.replace'] }, related, false],
    ['a relation, without one', { 'org.matrix.msc3874.rel_types': ['m.thread'] }, event, false],
    ['its relation excluded', { 'org.matrix.msc3874.not_rel_types': ['m.thread'] }, related, false],
    ['a relation excluded, without one', { 'org.matrix.msc3874.not_rel_types': ['m.thread'] }, event, true],
    ['type right, sender wrong', { types: ['*'], senders: ['@bob:example.com'] }, event, false],
  ])('%s', (_title, filter, of, wanted) => {
    expect(matchesRoomEvent(filter, of, ROOM)).toBe(wanted)
  })
})

describe('wildcards in types', () => {
  test.each([
    ['m.room.*', 'm.room.', true],
    ['m.room.*', 'm.roomx', false],
    ['*.message', 'm.room.message', true],
    ['*.message', 'm.room.messages', false],
    ['m.*.message', 'm.room.message', true],
    ['m.*.message', 'm.message', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['*a*b*', 'xaxbx', true],
    ['*a*b*', 'xbxax', false],
    ['a*b*c', 'abbc', true],
    ['a*bc*c', 'abc', false],
    ['**', '', true],
    ['m.room', 'm.room.x', false],
    ['m.r..m', 'm.room', false],
    ['*', 'any', true],
  ])('%s against %s: %s', (pattern, type, matches) => {
    expect(matchesEvent({ types: [pattern] }, { type })).toBe(matches)
    expect(matchesEvent({ not_types: [pattern] }, { type })).toBe(!matches)
  })
})

describe('events outside rooms', () => {
  test('match by type and sender', () => {
    const presence = { type: 'm.presence', sender: '@alice:example.com' }
    expect(matchesEvent(undefined, presence)).toBe(true)
    expect(matchesEvent({ types: [] }, presence)).toBe(false)
    expect(matchesEvent(EXAMPLE.presence, presence)).toBe(false)
    expect(matchesEvent(EXAMPLE.presence, { ...presence, sender: '@bob:example.com' })).toBe(true)
  })
  test('without a sender, they match no list of senders', () => {
    expect(matchesEvent({ senders: ['@alice:example.com'] }, { type: 'm.direct' })).toBe(false)
    expect(matchesEvent({ not_senders: ['@alice:example.com'] }, { type: 'm.direct' })).toBe(true)
  })
})

test.each([
  [undefined, true],
  [{}, true],
  [{ rooms: ['!a:b'] }, true],
  [{ rooms: ['!c:d'] }, false],
  [{ rooms: [] }, false],
  [{ not_rooms: ['!a:b'] }, false],
  [{ rooms: ['!a:b'], not_rooms: ['!a:b'] }, false],
])('the room filter %j wants !a:b: %s', (filter, wanted) => {
  expect(wantsRoom(filter, '!a:b')).toBe(wanted)
})

test.each([
  [undefined, 20],
  [0, 0],
  [1, 1],
  [1000, 1000],
  [1001, 1000],
])('a timeline limit of %s gives %s', (limit, expected) => {
  expect(timelineLimit({ room: { timeline: { limit } } })).toBe(expected)
  if (limit === undefined) expect(timelineLimit(undefined)).toBe(expected)
})

describe('event fields', () => {
  const event = {
    type: 'm.room.message',
    sender: '@alice:example.com',
    content: {
      body: 'hi',
      'm.relates_to': { rel_type: 'm.thread', event_id: '$x' },
      'm\\foo': 1,
      list: [{ a: 1 }],
    },
  }
  test.each<[fields: string[] | undefined, kept: object]>([
    [undefined, event],
    [[], {}],
    [['type'], { type: 'm.room.message' }],
    [['type', 'content.body'], { type: 'm.room.message', content: { body: 'hi' } }],
    [['content.m\\.relates_to'], { content: { 'm.relates_to': { rel_type: 'm.thread', event_id: '$x' } } }],
    [['content.m\\.relates_to.rel_type'], { content: { 'm.relates_to': { rel_type: 'm.thread' } } }],
    [['content.m\\\\foo'], { content: { 'm\\foo': 1 } }],
    [['content.m\\foo'], { content: { 'm\\foo': 1 } }],
    [['content.body', 'content'], { content: event.content }],
    [['content', 'content.body'], { content: event.content }],
    [['content.list.0', 'content.list.a'], { content: {} }],
    [['content.absent', 'absent.too'], { content: {} }],
    [['type.length', 'constructor', '__proto__'], {}],
  ])('%j', (fields, kept) => {
    expect(selectEventFields(event, fields)).toEqual(kept)
  })
  test('a property named __proto__ stays a property', () => {
    const hostile = JSON.parse('{"content":{"__proto__":{"polluted":1}}}')
    const selected = selectEventFields(hostile, ['content.__proto__.polluted'])
    expect(JSON.stringify(selected)).toBe('{"content":{"__proto__":{"polluted":1}}}')
  })
})
