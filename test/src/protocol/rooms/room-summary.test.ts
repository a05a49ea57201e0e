/** What rooms show of themselves. */
import { describe, expect, it } from 'vitest'
import { factOf, plainTopic, publicRoom } from '../../../../src/protocol/rooms/room-summary.ts'

describe('a fact', () => {
  it.each([
    ['m.room.name', { name: 'Lounge' }, { fact: 'name', value: 'Lounge' }],
    ['m.room.name', { name: '' }, { fact: 'name', value: undefined }],
    ['m.room.name', { name: 5 }, { fact: 'name', value: undefined }],
    ['m.room.avatar', { url: 'mxc://a/b' }, { fact: 'avatar_url', value: 'mxc://a/b' }],
    ['m.room.avatar', { url: 'https://a/b' }, { fact: 'avatar_url', value: undefined }],
    ['m.room.create', { type: 'm.space' }, { fact: 'room_type', value: 'm.space' }],
    ['m.room.canonical_alias', { alias: '#a:b' }, { fact: 'canonical_alias', value: '#a:b' }],
    ['m.room.message', { name: 'Lounge' }, undefined],
    ['toString', {}, undefined],
  ])('of %s %j', (type, content, expected) => {
    expect(factOf({ type, stateKey: '', content })).toEqual(expected)
  })

  it('comes only from the empty state key', () => {
    expect(factOf({ type: 'm.room.name', stateKey: 'x', content: { name: 'Lounge' } })).toBeUndefined()
    expect(factOf({ type: 'm.room.name', stateKey: null, content: { name: 'Lounge' } })).toBeUndefined()
  })
})

describe('the topic', () => {
  it.each([
    ['the plain text of its block', { topic: 'old', 'm.topic': { 'm.text': [{ body: 'new' }] } }, 'new'],
    [
      'what stands beside a block without plain text',
      { topic: 'old', 'm.topic': { 'm.text': [{ body: '<b>', mimetype: 'text/html' }] } },
      'old',
    ],
    ['what stands beside a block that is none', { topic: 'old', 'm.topic': [null] }, 'old'],
    ['absent when empty', { topic: '' }, undefined],
  ])('is %s', (_, content, topic) => {
    expect(plainTopic(content)).toBe(topic)
  })
})

it('a room that says nothing is invite-only, and closed to guests and readers', () => {
  expect(publicRoom('!a:b', {}, 3)).toEqual({
    room_id: '!a:b',
    num_joined_members: 3,
    world_readable: false,
    guest_can_join: false,
    join_rule: 'invite',
  })
})
