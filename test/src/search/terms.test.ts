/** The terms of texts and queries, in scripts with and without spaces. */
import { describe, expect, it } from 'vitest'
import { documentOf, highlightsOf, queryOf } from '../../../src/search/terms.ts'

describe('a text', () => {
  it.each([
    ['words, with their places', 'Hello, world. Hello!', "'hello':1,3 'world':2"],
    ['accents, case and width do not count', 'Späti ＡＢＣ', "'spati':1 'abc':2"],
    ['quotes and backslashes part words', `it's a\\b`, "'it':1 's':2 'a':3 'b':4"],
    [
      'an address is its parts',
      'see https://matrix.org/docs',
      "'see':1 'https':2 'matrix':3 'org':4 'docs':5",
    ],
    ['Chinese is pairs, and its last character', '東京都', "'東京':1 '京都':2 '都':3"],
    ['Japanese mixes with words', 'iPhone14です', "'iphone14':1 'です':2 'す':3"],
    ['the long vowel sign belongs to kana', 'スー', "'スー':1 'ー':2"],
    ['Thai keeps its marks', 'ที่', "'ที':1 'ี่':2 '่':3"],
    ['Korean is words', '서울에서 만나요', "'서울에서':1 '만나요':2"],
    ['a pictograph is a word', 'party 🎉', "'party':1 '🎉':2"],
  ])('%s', (_, text, document) => {
    expect(documentOf(text)).toBe(document)
  })

  it('without anything to find has no entry', () => {
    expect(documentOf(' … — !? ')).toBeUndefined()
    expect(queryOf('" \'')).toBeUndefined()
  })

  it('stays within what Postgres takes, however long and however repetitive', () => {
    const document = documentOf(`${'ha '.repeat(20_000)}${'x'.repeat(5_000)}`)!
    const [, ha] = /^'ha':([\d,]+)/.exec(document) ?? []
    expect(ha?.split(',')).toHaveLength(255)
    expect(document).toContain(`'${'x'.repeat(64)}':16383`)
  })
})

describe('a query', () => {
  it.each([
    ['asks for all words, longer ones as beginnings', 'To Berlin', "'to' & 'berlin':*"],
    ['asks for neighbouring pairs', '東京都', "('東京' <-> '京都')"],
    ['asks for one character as a beginning', '京', "'京':*"],
    ['asks for a Korean word with any ending', '서울', "'서울':*"],
    ['asks once', 'no no No', "'no'"],
  ])('%s', (_, text, query) => {
    expect(queryOf(text)).toBe(query)
  })

  it('asks for no more than 64 things', () => {
    const words = Array.from({ length: 200 }, (_, index) => `w${index}`).join(' ')
    expect(queryOf(words)?.split(' & ')).toHaveLength(64)
    const pairs = Array.from({ length: 1_000 }, (_, n) => String.fromCodePoint(0x4e00 + n)).join('')
    expect(queryOf(pairs)?.split(' <-> ')).toHaveLength(64)
    expect(queryOf(`${'no '.repeat(300)}yes`)).toBe("'no' & 'yes':*")
  })
})

describe('highlights', () => {
  it('are the words as they stand in the texts', () => {
    expect(highlightsOf('spat to', ['Der Späti und das Spätwerk', 'to tow'])).toEqual([
      'Späti',
      'Spätwerk',
      'to',
    ])
  })

  it('are at most a hundred, from the first part of each text', () => {
    const words = Array.from({ length: 500 }, (_, n) => `word${n}`).join(' ')
    expect(highlightsOf('word', [words, words])).toHaveLength(100)
    expect(highlightsOf('late', [`${'hay '.repeat(5_000)}late`])).toEqual([])
  })

  it('are the searched text itself where nothing separates words', () => {
    expect(highlightsOf('東京', ['東京都'])).toEqual(['東京'])
  })
})
