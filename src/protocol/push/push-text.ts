/** A text that rules are matched against: folded once, however many rules look at it. */

/** How much of a text is looked at, in UTF-16 units: what people write by hand is shorter. */
const LOOKED_AT = 16_384

export class PushText {
  /** The text in lower case. */
  readonly lower: string
  #words: ReadonlySet<string> | undefined
  #points: readonly string[] | undefined

  constructor(text: string) {
    this.lower = text.slice(0, LOOKED_AT).toLowerCase()
  }

  /** The runs of letters, digits and `_` between word boundaries. */
  get words(): ReadonlySet<string> {
    this.#words ??= new Set(this.lower.match(WORDS))
    return this.#words
  }

  /** The characters: `?` stands for one, even where JavaScript counts two. */
  get points(): readonly string[] {
    this.#points ??= [...this.lower]
    return this.#points
  }
}

/** Client-Server API §`event_match`: a word is made of these. Texts and patterns are in lower case. */
const WORDS = /[a-z0-9_]+/g
const IN_WORD = /[a-z0-9_]/

/** The words within a text in lower case, in order. */
export function wordsOf(lower: string): string[] {
  return lower.match(WORDS) ?? []
}

/** Whether a character, if there is one, is part of a word. */
export function isInWord(character: string | undefined): boolean {
  return character !== undefined && IN_WORD.test(character)
}
