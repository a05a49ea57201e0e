/** Lists of names that clients write and many events are held against: each list is read once. */

/** Names in one list. */
const MAX_NAMES = 1_000
/** Patterns in one list: names are looked up, patterns are tried one after the other. */
const MAX_PATTERNS = 100
/** No name of the protocol is longer. */
const MAX_NAME = 255

interface Names {
  exact: ReadonlySet<string>
  patterns: readonly string[]
}

const read = new WeakMap<readonly string[], Names>()

function namesOf(list: readonly string[]): Names {
  const known = read.get(list)
  if (known !== undefined) return known
  const names = {
    exact: new Set(list.slice(0, MAX_NAMES)),
    patterns: list.filter((name) => name.includes('*') && name.length <= MAX_NAME).slice(0, MAX_PATTERNS),
  }
  read.set(list, names)
  return names
}

/** Whether a list names a value as it is written. */
export function isListed(list: readonly string[], value: unknown): boolean {
  return typeof value === 'string' && namesOf(list).exact.has(value)
}

/** Whether a name or a pattern of a list fits a text: `*` stands for any characters. */
export function isCovered(list: readonly string[], text: string): boolean {
  const { exact, patterns } = namesOf(list)
  return exact.has(text) || patterns.some((pattern) => matchesStars(pattern, text))
}

/** What is wrong with the size of a list, in words; undefined: nothing. */
export function listFault(list: readonly string[]): string | undefined {
  if (list.length > MAX_NAMES) return `has more than ${MAX_NAMES} entries`
  if (list.some((name) => name.length > MAX_NAME)) return `has an entry of more than ${MAX_NAME} characters`
  const patterns = list.filter((name) => name.includes('*'))
  if (patterns.length > MAX_PATTERNS) return `has more than ${MAX_PATTERNS} entries with a star`
  return undefined
}

/** Linear: the earliest place for each part is as good as a later one. */
function matchesStars(pattern: string, text: string): boolean {
  const [prefix = '', ...rest] = pattern.split('*')
  const suffix = rest.pop()
  if (suffix === undefined) return pattern === text
  if (!text.startsWith(prefix)) return false
  let at = prefix.length
  for (const part of rest) {
    const found = text.indexOf(part, at)
    if (found === -1) return false
    at = found + part.length
  }
  return text.length - suffix.length >= at && text.endsWith(suffix)
}
