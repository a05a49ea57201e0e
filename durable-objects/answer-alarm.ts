/** Keeps an object's alarm when it cannot be answered now. */
import { createLogger } from '../src/log.ts'
import type { Logger } from '../src/ports/log.ts'
import { systemClock } from '../src/system.ts'

/** How long an alarm that cannot be answered is put off, ms. */
const UNANSWERED_MS = 60_000

/**
 * An alarm's handler. When something stops `fire` before its first job, such as settings that are refused, the alarm is
 * put off: the runtime drops an alarm after six failures, and its jobs would wait for ever.
 */
export async function answerAlarm(
  storage: { setAlarm(at: number): Promise<void> },
  fire: () => Promise<void>,
  log: Pick<Logger, 'error'> = createLogger('error', systemClock),
): Promise<void> {
  try {
    await fire()
  } catch (error) {
    log.error('an alarm is put off', { error: String(error) })
    await storage.setAlarm(systemClock.now() + UNANSWERED_MS)
  }
}
