/** What an event's content says of another event. */
import { describe, expect, it } from 'vitest'
import { isValidReplacement, relationOf } from '../../../../src/protocol/events/relations.ts'

const relates = (relation: unknown) => ({ 'm.relates_to': relation }) as never

describe('relationOf', () => {
  it('reads the type and the parent', () => {
    expect(relationOf(relates({ rel_type: 'm.thread', event_id: '$a' }))).toEqual({
      relType: 'm.thread',
      parentId: '$a',
    })
  })

  it('reads the key of annotations alone', () => {
    const relation = { event_id: '$a', key: '👍' }
    expect(relationOf(relates({ ...relation, rel_type: 'm.annotation' }))?.key).toBe('👍')
    expect(relationOf(relates({ ...relation, rel_type: 'm.reference' }))?.key).toBeUndefined()
  })

  it.each([
    ['no object', 'm.thread'],
    ['a list', [{ rel_type: 'm.thread', event_id: '$a' }]],
    ['a reply', { 'm.in_reply_to': { event_id: '$a' } }],
    ['a type that is no string', { rel_type: 5, event_id: '$a' }],
    ['an empty type', { rel_type: '', event_id: '$a' }],
    ['a parent that is no string', { rel_type: 'm.thread', event_id: {} }],
    ['a type too long to be one', { rel_type: 'x'.repeat(256), event_id: '$a' }],
  ])('takes %s for no relation', (_, relation) => {
    expect(relationOf(relates(relation))).toBeUndefined()
  })
})

describe('isValidReplacement', () => {
  const original = { type: 'm.room.message', sender: '@a:x', content: { body: 'one' } }
  const edit = {
    type: 'm.room.message',
    sender: '@a:x',
    content: { 'm.new_content': { body: 'two' }, 'm.relates_to': { rel_type: 'm.replace', event_id: '$o' } },
  }

  it('accepts an edit of the same sender and type', () => {
    expect(isValidReplacement(original, edit)).toBe(true)
  })

  it('accepts an encrypted one, whose new content the server cannot see', () => {
    const encrypted = { ...original, type: 'm.room.encrypted' }
    expect(isValidReplacement(encrypted, { ...encrypted, content: {} })).toBe(true)
  })

  it.each([
    ['of another sender', original, { ...edit, sender: '@b:x' }],
    ['of another type', original, { ...edit, type: 'm.sticker' }],
    ['that is state', original, { ...edit, state_key: '' }],
    ['of state', { ...original, state_key: '' }, edit],
    ['without a new content', original, { ...edit, content: {} }],
    ['of an edit', { ...original, content: edit.content }, edit],
  ])('refuses one %s', (_, first, second) => {
    expect(isValidReplacement(first, second)).toBe(false)
  })
})
