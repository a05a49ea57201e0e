/** From the packed data of a PNG to its rows: inflated piece by piece, unfiltered (§9), and never more of it than two rows. */
import { Unreadable } from '../picture.ts'
import type { Header } from './chunks.ts'

/** Inflated at once: a thousand times as much may come out. */
const PIECE_BYTES = 16_384

/** What inflates, read as lines of any length. */
export class Lines {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  #piece: Uint8Array = new Uint8Array(0)

  constructor(packed: Iterable<Uint8Array>) {
    this.#reader = piecesOf(packed).pipeThrough(new DecompressionStream('deflate')).getReader()
  }

  /** Fills `line`. @throws Unreadable where there is less */
  async read(line: Uint8Array): Promise<void> {
    for (let filled = 0; filled < line.length; ) {
      if (this.#piece.length === 0) await this.#next()
      const part = this.#piece.subarray(0, line.length - filled)
      line.set(part, filled)
      filled += part.length
      this.#piece = this.#piece.subarray(part.length)
    }
  }

  /** Nothing after this is inflated. */
  async end(): Promise<void> {
    await this.#reader.cancel().catch(() => undefined)
  }

  async #next(): Promise<void> {
    const { done, value } = await this.#reader.read().catch(() => {
      throw new Unreadable('packed data that are broken')
    })
    if (done) throw new Unreadable('packed data that end early')
    this.#piece = value
  }
}

function piecesOf(packed: Iterable<Uint8Array>): ReadableStream<Uint8Array<ArrayBuffer>> {
  const pieces = (function* () {
    for (const data of packed) {
      for (let at = 0; at < data.length; at += PIECE_BYTES) yield data.slice(at, at + PIECE_BYTES)
    }
  })()
  return new ReadableStream({
    pull(controller) {
      const { done, value } = pieces.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
  })
}

/** The rows of one picture, or of one pass of it. @param use gets each; the same memory each time */
export async function readRows(
  lines: Lines,
  { depth, samples }: Header,
  { width, height }: { width: number; height: number },
  use: (row: Uint8Array, y: number) => void,
): Promise<void> {
  const bytesOfPixel = Math.max(1, (depth * samples) >> 3)
  let row = new Uint8Array(1 + Math.ceil((width * samples * depth) / 8))
  let above = new Uint8Array(row.length)
  for (let y = 0; y < height; y += 1) {
    await lines.read(row)
    unfilter(row, above, bytesOfPixel)
    use(row.subarray(1), y)
    ;[row, above] = [above, row]
  }
}

/** In place; the first byte names the filter. */
function unfilter(row: Uint8Array, above: Uint8Array, back: number): void {
  const kind = row[0]
  if (kind === 0) return
  const left = (i: number) => (i > back ? row[i - back]! : 0)
  if (kind === 1) for (let i = 1; i < row.length; i += 1) row[i] = row[i]! + left(i)
  else if (kind === 2) for (let i = 1; i < row.length; i += 1) row[i] = row[i]! + above[i]!
  else if (kind === 3) {
    for (let i = 1; i < row.length; i += 1) row[i] = row[i]! + ((left(i) + above[i]!) >> 1)
  } else if (kind === 4) {
    for (let i = 1; i < row.length; i += 1) {
      row[i] = row[i]! + paeth(left(i), above[i]!, i > back ? above[i - back]! : 0)
    }
  } else throw new Unreadable('a filter of another kind')
}

function paeth(left: number, above: number, corner: number): number {
  const sum = left + above - corner
  const [toLeft, toAbove, toCorner] = [Math.abs(sum - left), Math.abs(sum - above), Math.abs(sum - corner)]
  if (toLeft <= toAbove && toLeft <= toCorner) return left
  return toAbove <= toCorner ? above : corner
}
