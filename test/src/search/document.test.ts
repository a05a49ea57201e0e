/** Which text of which event is searched. */
import { expect, it } from 'vitest'
import { searchableText } from '../../../src/search/document.ts'

it.each([
  ['the body of a message', 'm.room.message', null, { body: 'hi' }, 'hi'],
  ['the name of a room', 'm.room.name', '', { name: 'Lounge' }, 'Lounge'],
  ['the topic of a room', 'm.room.topic', '', { topic: 'All things' }, 'All things'],
  [
    'both forms of a topic where they differ',
    'm.room.topic',
    '',
    {
      topic: 'old',
      'm.topic': { 'm.text': [{ body: '<b>new</b>', mimetype: 'text/html' }, { body: 'new' }] },
    },
    'old\nnew',
  ],
  [
    'one form of a topic that stands there twice',
    'm.room.topic',
    '',
    { topic: 'same', 'm.topic': { 'm.text': [{ body: 'same', mimetype: 'text/plain' }] } },
    'same',
  ],
  ['nothing of an encrypted message', 'm.room.encrypted', null, { body: 'hi' }, undefined],
  ['nothing of a body that is no text', 'm.room.message', null, { body: 5 }, undefined],
  ['nothing of state that looks like a message', 'm.room.message', '', { body: 'hi' }, undefined],
  ['nothing of a message that looks like a name', 'm.room.name', null, { name: 'hi' }, undefined],
  ['nothing of a type that is a property of objects', 'constructor', null, { body: 'hi' }, undefined],
])('%s', (_, type, stateKey, content, text) => {
  expect(searchableText({ type, stateKey, content })).toBe(text)
})
