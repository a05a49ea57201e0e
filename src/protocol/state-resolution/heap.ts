/** A heap: gives what comes first of what was put in so far. */

export class Heap<T> {
  readonly #items: T[] = []
  readonly #precedes: (a: T, b: T) => boolean

  constructor(precedes: (a: T, b: T) => boolean) {
    this.#precedes = precedes
  }

  push(item: T): void {
    const items = this.#items
    let at = items.length
    items.push(item)
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = items[parentAt]
      if (parent === undefined || !this.#precedes(item, parent)) break
      items[at] = parent
      at = parentAt
    }
    items[at] = item
  }

  pop(): T | undefined {
    const [first] = this.#items
    const last = this.#items.pop()
    if (this.#items.length > 0 && last !== undefined) this.#sink(last)
    return first
  }

  /** Puts an item into the place of the first, and down to where it belongs. */
  #sink(item: T): void {
    const items = this.#items
    let at = 0
    for (;;) {
      const [leftAt, rightAt] = [2 * at + 1, 2 * at + 2]
      const [left, right] = [items[leftAt], items[rightAt]]
      if (left === undefined) break
      const [childAt, child] =
        right !== undefined && this.#precedes(right, left) ? [rightAt, right] : [leftAt, left]
      if (!this.#precedes(child, item)) break
      items[at] = child
      at = childAt
    }
    items[at] = item
  }
}
