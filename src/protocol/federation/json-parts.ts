/**
 * Cuts a JSON answer into its parts as its bytes come. An answer with a room's whole state is too large to be held as one
 * text, and each event is checked by its own.
 */
import { MatrixError } from '../errors.ts'
import { MAX_EVENT_BYTES } from '../events/event-format.ts'

const [QUOTE, BACKSLASH, COMMA, COLON] = [34, 92, 44, 58]
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [91, 93, 123, 125]
const SPACES: ReadonlySet<number> = new Set([9, 10, 13, 32])
/** Beside what an answer is defined to have. */
const MOST_MEMBERS = 1_000
/** A part that is larger is no event, nor anything else that is asked for: nothing of it is kept. */
export const LARGEST_PART = 6 * MAX_EVENT_BYTES

/** Where the reading is: `object` between the members, `list` between the elements of a wanted list. */
type Place = 'before' | 'object' | 'list' | 'after'

export interface WantedParts {
  /** Keys of lists of which each element is wanted. */
  lists?: readonly string[]
  /** Keys of members that are wanted whole. */
  members?: readonly string[]
  /** Elements of all lists together. */
  most?: number
  /** What becomes of an answer with more of them: it is none, or the first ones are read and the rest is not. */
  whenMore?: 'fail' | 'stop'
}

export class JsonParts {
  /** The elements of the wanted lists, each as its bytes. Of a key that stands twice the last one counts. */
  readonly lists = new Map<string, Uint8Array[]>()
  /** The texts of the wanted members. */
  readonly members = new Map<string, string>()
  readonly #wanted: ReadonlySet<string>
  readonly #wantedMembers: ReadonlySet<string>
  readonly #most: number
  readonly #stops: boolean
  readonly #decoder = new TextDecoder()
  #place: Place = 'before'
  #depth = 0
  #inString = false
  #isEscaped = false
  #key: string | undefined
  /** Pieces of the value that is being read, of chunks before this one, and how long it is so far. */
  #pieces: Uint8Array[] = []
  #length = 0
  #memberCount = 0
  #elementCount = 0
  #isFull = false
  /** No element of this list has come yet. */
  #isFirst = true
  #error: MatrixError | undefined

  constructor({ lists = [], members = [], most = 0, whenMore = 'fail' }: WantedParts) {
    this.#wanted = new Set(lists)
    this.#wantedMembers = new Set(members)
    this.#most = most
    this.#stops = whenMore === 'stop'
  }

  /** Answers whether more is of use: what is wrong stays wrong. */
  add(chunk: Uint8Array): boolean {
    if (this.#error !== undefined || this.#isFull) return false
    try {
      this.#read(chunk)
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error
      this.#error = error
    }
    return this.#error === undefined && !this.#isFull
  }

  /** Says that all is there. @throws MatrixError M_NOT_JSON; M_TOO_LARGE where the lists have too many elements */
  end(): void {
    if (this.#error !== undefined) throw this.#error
    if (this.#isFull) return
    const isRest = this.#length > LARGEST_PART || trimmed(joined(this.#pieces)).length > 0
    if (this.#place !== 'after' || isRest) throw notJson()
  }

  #read(chunk: Uint8Array): void {
    let from = 0
    for (let at = 0; at < chunk.length && !this.#isFull; at += 1) {
      const byte = chunk[at]!
      if (this.#skips(byte)) continue
      if (!this.#divides(byte)) continue
      this.#hold(chunk.subarray(from, at))
      this.#take(byte)
      from = at + 1
    }
    if (from < chunk.length && !this.#isFull) this.#hold(chunk.subarray(from))
  }

  /** Keeps a piece of a value, and nothing of one that is too large. */
  #hold(piece: Uint8Array): void {
    this.#length += piece.length
    if (this.#length <= LARGEST_PART) this.#pieces.push(piece)
    else this.#pieces = []
  }

  /** Whether the byte is within a string, or begins one. */
  #skips(byte: number): boolean {
    if (!this.#inString) {
      this.#inString = byte === QUOTE
      return this.#inString
    }
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === BACKSLASH) this.#isEscaped = true
    else if (byte === QUOTE) this.#inString = false
    return true
  }

  /** Whether the byte stands between parts. Those within a value only count how deep it goes. */
  #divides(byte: number): boolean {
    const isOpening = byte === OPEN_LIST || byte === OPEN_OBJECT
    const isClosing = byte === CLOSE_LIST || byte === CLOSE_OBJECT
    if (isOpening) {
      const isOutermost = this.#place === 'before'
      const isList = this.#place === 'object' && this.#depth === 0 && byte === OPEN_LIST && this.#isWanted()
      if (isOutermost || isList) return true
      this.#depth += 1
      return false
    }
    if (this.#depth > 0) {
      if (isClosing) this.#depth -= 1
      return false
    }
    return isClosing || byte === COMMA || (byte === COLON && this.#key === undefined)
  }

  #isWanted(): boolean {
    return this.#key !== undefined && this.#wanted.has(this.#key)
  }

  #take(byte: number): void {
    const value = this.#length > LARGEST_PART ? TOO_LARGE : trimmed(joined(this.#pieces))
    this.#pieces = []
    this.#length = 0
    if (this.#place === 'before') this.#begin(byte, value)
    else if (this.#place === 'list') this.#element(byte, value)
    else if (this.#place === 'object') this.#member(byte, value)
    else throw notJson()
  }

  #begin(byte: number, value: Uint8Array): void {
    if (byte !== OPEN_OBJECT || value.length > 0) throw notJson()
    this.#place = 'object'
  }

  #member(byte: number, value: Uint8Array): void {
    if (byte === COLON) {
      this.#key = keyIn(this.#decoder.decode(value))
      return
    }
    if (byte === OPEN_LIST) {
      if (value.length > 0) throw notJson()
      this.lists.set(this.#key!, [])
      this.#isFirst = true
      this.#place = 'list'
      return
    }
    if (byte !== COMMA && byte !== CLOSE_OBJECT) throw notJson()
    this.#keep(value, byte === CLOSE_OBJECT)
    this.#key = undefined
    if (byte === CLOSE_OBJECT) this.#place = 'after'
  }

  /** After a list nothing is left of its member, and an object may be empty. */
  #keep(value: Uint8Array, isLast: boolean): void {
    const key = this.#key
    const isRead = key !== undefined && this.lists.has(key)
    if (value.length === 0) {
      const isEmpty = isLast && this.lists.size === 0 && this.#memberCount === 0 && key === undefined
      if (!isRead && !isEmpty) throw notJson()
      return
    }
    if (key === undefined || isRead || this.#memberCount === MOST_MEMBERS) throw notJson()
    this.#memberCount += 1
    if (!this.#wantedMembers.has(key)) return
    if (value === TOO_LARGE) this.members.delete(key)
    else this.members.set(key, this.#decoder.decode(value))
  }

  #element(byte: number, value: Uint8Array): void {
    const list = this.lists.get(this.#key!)!
    if (byte !== COMMA && byte !== CLOSE_LIST) throw notJson()
    const isEmpty = value.length === 0 && this.#isFirst && byte === CLOSE_LIST
    if (value.length === 0 && !isEmpty) throw notJson()
    this.#isFirst = false
    if (byte === CLOSE_LIST) this.#place = 'object'
    if (isEmpty || !this.#mayCount()) return
    if (value !== TOO_LARGE) list.push(value)
  }

  /** Whether one element more is wanted. @throws MatrixError M_TOO_LARGE where more is too much */
  #mayCount(): boolean {
    if (this.#elementCount < this.#most) {
      this.#elementCount += 1
      return true
    }
    if (!this.#stops)
      throw new MatrixError('M_TOO_LARGE', `There must be at most ${this.#most} values in the lists`)
    this.#isFull = true
    return false
  }
}

/** The parts of a text. @throws MatrixError M_NOT_JSON, M_TOO_LARGE */
export function partsOf(text: string, wanted: WantedParts): JsonParts {
  const parts = new JsonParts(wanted)
  parts.add(new TextEncoder().encode(text))
  parts.end()
  return parts
}

/** Stands in for a value of which nothing was kept. */
const TOO_LARGE = new Uint8Array([0])

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces
  if (pieces.length === 1 && only !== undefined) return only
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}

function trimmed(bytes: Uint8Array): Uint8Array {
  let [from, to] = [0, bytes.length]
  while (from < to && SPACES.has(bytes[from]!)) from += 1
  while (to > from && SPACES.has(bytes[to - 1]!)) to -= 1
  return bytes.subarray(from, to)
}

function keyIn(text: string): string {
  try {
    const key: unknown = JSON.parse(text)
    if (typeof key === 'string') return key
  } catch {
    // Below.
  }
  throw notJson()
}

const notJson = () => new MatrixError('M_NOT_JSON', 'Not JSON')
