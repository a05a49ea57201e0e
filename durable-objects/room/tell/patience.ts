/** Waits a while for work that goes on anyway, whether a request waits for it or not. */
import { patiently as atMost } from '../../../src/patience.ts'

/** How long a request waits, ms. */
const PATIENCE_MS = 2_000

/** Answers when the work is done or has failed, or after two seconds: its owner tries again by itself. */
export async function patiently(work: Promise<unknown>): Promise<void> {
  await atMost(
    PATIENCE_MS,
    work.catch(() => undefined),
  )
}
