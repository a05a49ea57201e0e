/** How a check ends that does not pass. */

/** What a check finds wrong, in a sentence. */
export class Failed extends Error {
  override readonly name = 'Failed'
}

/** Why a check could not be made, which is no fault of the server. */
export class Skipped extends Error {
  override readonly name = 'Skipped'
}

/** @throws Failed with the sentence unless it holds */
export function expect(holds: unknown, sentence: string): asserts holds {
  if (!holds) throw new Failed(sentence)
}

/** Waits, in checks that ask until something has come to pass. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
