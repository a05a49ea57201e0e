/** How the index of the manual is made, and how it is read: the same in both places. */

/** Settings are found by their parts and whole: `--media-store` by "media" too. */
const WORD = /[\p{L}\p{N}_][\p{L}\p{N}_.:/-]*/gu

function tokenize(text: string): string[] {
  const words: string[] = text.match(WORD) ?? []
  return words.flatMap((word) => {
    const parts = partsOf(word)
    return parts.length > 1 ? [word.replace(/[.:/-]+$/, ''), ...parts] : parts
  })
}

function partsOf(text: string): string[] {
  return text.split(/[^\p{L}\p{N}]+/u).filter((part) => part !== '')
}

export const SEARCH_OPTIONS = {
  fields: ['page', 'heading', 'text'],
  storeFields: ['place', 'page', 'heading', 'shown'],
  tokenize,
  searchOptions: {
    // All that is asked for must be there, so it is asked for by its parts.
    tokenize: partsOf,
    boost: { heading: 4, page: 2 },
    prefix: true,
    fuzzy: 0.15,
    combineWith: 'AND' as const,
  },
}
