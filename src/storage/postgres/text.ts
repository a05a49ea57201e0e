/** What Postgres' text columns can hold. */

/** Postgres refuses NUL in text, and halves of surrogate pairs; the symbol for NUL stands in for it. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\u2400')
}
