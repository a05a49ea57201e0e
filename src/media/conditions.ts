/** What a client knows already, and which part it wants (RFC 9110 §13 and §14). */
import type { ByteRange } from '../ports/media.ts'

/** What tells one state of a resource from another. */
export interface Validators {
  /** A strong one. */
  etag: string
  /** ms since the epoch. */
  modified: number
}

type Headers = (name: string) => string | undefined

/** What the conditions of a request come to (§13.2.2): it is answered, has the answer already, or wanted another state. */
export function judge(header: Headers, validators: Validators): 'answer' | 'known' | 'other' {
  const { etag } = validators
  const ifMatch = header('if-match')
  if (
    ifMatch !== undefined
      ? !listHas(ifMatch, etag, isSame)
      : isAfter(validators, header('if-unmodified-since')) === true
  )
    return 'other'
  const ifNoneMatch = header('if-none-match')
  if (ifNoneMatch !== undefined) return listHas(ifNoneMatch, etag, isSameOpaque) ? 'known' : 'answer'
  return isAfter(validators, header('if-modified-since')) === false ? 'known' : 'answer'
}

/**
 * The one range that is asked for; undefined if the whole is to be sent. That is also right for several ranges, for
 * what is not a range, and for a client that has a part of another state.
 */
export function rangeOf(
  header: Headers,
  { size, ...validators }: Validators & { size: number },
): ByteRange | 'unsatisfiable' | undefined {
  const ifRange = header('if-range')
  if (ifRange !== undefined && !isStateOf(ifRange.trim(), validators)) return undefined
  return oneRange(header('range'), size)
}

const RANGES = /^bytes=(.*)$/i
const ONE_RANGE = /^(\d*)-(\d*)$/

export function oneRange(header: string | undefined, size: number): ByteRange | 'unsatisfiable' | undefined {
  const [, list = ''] = RANGES.exec(header?.trim() ?? '') ?? []
  const ranges = list.split(',').map((range) => range.trim())
  const given = ranges.filter((range) => range !== '')
  const [, first = '', last = ''] = (given.length === 1 && ONE_RANGE.exec(given[0]!)) || []
  if (first === '' && last === '') return undefined
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? 'unsatisfiable' : { offset: size - length, length }
  }
  const offset = Number(first)
  if (last !== '' && Number(last) < offset) return undefined
  if (offset >= size) return 'unsatisfiable'
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  return { offset, length: end - offset + 1 }
}

/** §13.1.5: a strong tag or the exact date. */
function isStateOf(given: string, { etag, modified }: Validators): boolean {
  return given.includes('"') ? isSame(given, etag) : Date.parse(given) === seconds(modified)
}

/** §8.8.3: tags hold no quotes, but commas. */
const TAGS = /(?:W\/)?"[^"]*"/g

function listHas(list: string, etag: string, same: (one: string, other: string) => boolean): boolean {
  return list.trim() === '*' || (list.match(TAGS) ?? []).some((tag) => same(tag, etag))
}

function isSame(one: string, other: string): boolean {
  return one === other && !one.startsWith('W/')
}

function isSameOpaque(one: string, other: string): boolean {
  return one.replace(/^W\//, '') === other.replace(/^W\//, '')
}

/** Whether it was changed after a date; undefined where there is none. */
function isAfter({ modified }: Validators, date: string | undefined): boolean | undefined {
  const given = Date.parse(date ?? '')
  return Number.isNaN(given) ? undefined : seconds(modified) > given
}

/** Dates of HTTP know no parts of seconds. */
function seconds(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000
}
