/**
 * The terms under which texts are found, for every language alike: words where spaces part them, and pairs of
 * neighbouring characters where nothing does (Chinese, Japanese, Thai and their like). The same function reads texts
 * and queries, and it writes Postgres' own notation, so no parser or dictionary of a database has a say.
 */
import { fold } from '../protocol/matching/fold.ts'

const WORDS = /[\p{L}\p{N}\p{M}]+|\p{Extended_Pictographic}/gu
const SCRIPTS = ['Han', 'Hira', 'Kana', 'Bopo', 'Thai', 'Laoo', 'Khmr', 'Mymr']
const UNSPACED_CLASS = SCRIPTS.map((script) => `\\p{scx=${script}}`).join('')
/** A word as runs: of scripts that put no spaces between words, and of all others. */
const RUNS = new RegExp(`[${UNSPACED_CLASS}]+|[^${UNSPACED_CLASS}]+`, 'gu')
const UNSPACED = new RegExp(`^[${UNSPACED_CLASS}]`, 'u')
/** Endings are written to the word without a space. */
const HANGUL = /^\p{Script=Hangul}/u

/** Longer ones are no words. */
const MAX_WORD = 64
const MAX_QUERY_TERMS = 64
/** Characters of a text in which words to highlight are looked for, and words found. */
const HIGHLIGHTED = 16_384
const MAX_HIGHLIGHTS = 100
/** From here on a word of a query stands for all that begin with it. */
const MIN_PREFIX = 3
/** Postgres: the highest place in a tsvector, and how many a term may have. */
const MAX_PLACE = 16_383
const MAX_PLACES = 255

interface Run {
  characters: string[]
  unspaced: boolean
}

/** A text as a tsvector literal; undefined where it holds nothing to find it by. */
export function documentOf(text: string): string | undefined {
  const places = new Map<string, number[]>()
  let place = 0
  for (const term of runsOf(text).flatMap(termsOf)) {
    place = Math.min(place + 1, MAX_PLACE)
    const known = places.get(term)
    if (known === undefined) places.set(term, [place])
    else if (known.length < MAX_PLACES && known.at(-1) !== place) known.push(place)
  }
  if (places.size === 0) return undefined
  return [...places].map(([term, at]) => `'${term}':${at.join(',')}`).join(' ')
}

/** A search text as a tsquery literal: all of it must be found. Undefined if nothing can be found by it. */
export function queryOf(text: string): string | undefined {
  const runs = queryRuns(text)
  return runs.length === 0 ? undefined : runs.map(queryPart).join(' & ')
}

/** What is asked for: each run once, and so many terms together. */
function queryRuns(text: string): Run[] {
  const runs = new Map(runsOf(text).map((run) => [run.characters.join(''), run]))
  const taken: Run[] = []
  let left = MAX_QUERY_TERMS
  for (const run of runs.values()) {
    if (left <= 0) break
    // A run of n characters is n - 1 pairs.
    const part = run.unspaced ? { ...run, characters: run.characters.slice(0, left + 1) } : run
    taken.push(part)
    left -= run.unspaced ? Math.max(1, part.characters.length - 1) : 1
  }
  return taken
}

/** The words of `texts`, as they stand there, that the query found: for clients to highlight. */
export function highlightsOf(query: string, texts: readonly string[]): string[] {
  const runs = queryRuns(query)
  const found = new Set(runs.filter(({ unspaced }) => unspaced).map(({ characters }) => characters.join('')))
  const finds = finder(runs.filter(({ unspaced }) => !unspaced))
  for (const text of texts) {
    for (const [surface] of text.slice(0, HIGHLIGHTED).matchAll(WORDS)) {
      for (const [run] of surface.matchAll(RUNS)) {
        if (found.size < MAX_HIGHLIGHTS && finds(fold(run))) found.add(run)
      }
    }
  }
  return [...found]
}

/** Whether one of the words finds a text, by one look for each length of a word and not for each word. */
function finder(words: readonly Run[]): (folded: string) => boolean {
  const asText = ({ characters }: Run) => characters.join('')
  const whole = new Set(words.map(asText))
  const beginnings = new Set(words.filter(isPrefix).map(asText))
  const lengths = [...new Set([...beginnings].map(({ length }) => length))]
  return (folded) => whole.has(folded) || lengths.some((length) => beginnings.has(folded.slice(0, length)))
}

function runsOf(text: string): Run[] {
  const words = fold(text).match(WORDS) ?? []
  return words
    .flatMap((word) => word.match(RUNS) ?? [])
    .map((run) => ({ characters: [...run], unspaced: UNSPACED.test(run) }))
}

/** An unspaced run is its pairs, and its last character alone, so that any character begins some term. */
function termsOf({ characters, unspaced }: Run): string[] {
  if (!unspaced) return [characters.slice(0, MAX_WORD).join('')]
  return characters.map((character, index) => character + (characters[index + 1] ?? ''))
}

/** Of an unspaced run of two and more, only pairs are asked for, one directly after the other. */
function queryPart(run: Run): string {
  const terms = termsOf(run)
  if (run.unspaced && terms.length > 1) {
    return `(${terms
      .slice(0, -1)
      .map((pair) => `'${pair}'`)
      .join(' <-> ')})`
  }
  return `'${terms[0]}'${isPrefix(run) ? ':*' : ''}`
}

function isPrefix({ characters, unspaced }: Run): boolean {
  return unspaced || characters.length >= MIN_PREFIX || HANGUL.test(characters[0] ?? '')
}
