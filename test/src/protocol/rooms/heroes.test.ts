/** After whom a room without a name is called. */
import { describe, expect, it } from 'vitest'
import { heroesFor, needsHeroes } from '../../../../src/protocol/rooms/heroes.ts'

const users = (...names: string[]) => names.map((name) => `@${name}:x`)
const stateOf = (contents: Record<string, object>) => ({
  get: (type: string) =>
    (contents[type] === undefined ? undefined : { eventId: '$x', pdu: { content: contents[type] } }) as never,
})

describe('heroesFor', () => {
  it('names five others at most, and never the viewer', () => {
    const present = users('a', 'b', 'c', 'd', 'e', 'f')
    expect(heroesFor({ present, gone: [] }, '@b:x')).toEqual(users('a', 'c', 'd', 'e', 'f'))
    expect(heroesFor({ present, gone: [] }, '@z:x')).toEqual(users('a', 'b', 'c', 'd', 'e'))
  })

  it('names users that left only to a viewer that is alone', () => {
    expect(heroesFor({ present: users('a'), gone: users('b') }, '@a:x')).toEqual(users('b'))
    expect(heroesFor({ present: users('a'), gone: users('b') }, '@b:x')).toEqual(users('a'))
  })
})

describe('needsHeroes', () => {
  it.each([
    ['nothing', {}, true],
    ['a name', { 'm.room.name': { name: 'Ours' } }, false],
    ['an empty name', { 'm.room.name': { name: '' } }, true],
    ['an alias', { 'm.room.canonical_alias': { alias: '#a:x' } }, false],
    ['other aliases alone', { 'm.room.canonical_alias': { alt_aliases: ['#a:x'] } }, true],
  ])('is told by the state: %s', (_, state, expected) => {
    expect(needsHeroes(stateOf(state))).toBe(expected)
  })
})
