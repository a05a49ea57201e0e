/** Work of which a few pieces go on at once. */

/**
 * Does `work` for each of the queue, at most `atOnce` at a time, until the queue is empty. `work` may put pieces back
 * into the queue, or empty it.
 * @throws what a piece of the work throws; the pieces under way go on meanwhile
 */
export async function inTurns<T>(queue: T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  const worker = async () => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) await work(one)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, queue.length) }, worker))
}
