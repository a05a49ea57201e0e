/** Keeps an object's alarm when it cannot be answered now. */
import { createLogger } from '../src/log.ts'
import type { Logger } from '../src/ports/log.ts'
import { systemClock } from '../src/system.ts'

/** How long an alarm is put off that cannot be answered, ms. */
const UNANSWERED_MS = 60_000

/**
 * An alarm's handler: whatever stops `fire` before its first job, such as settings that are refused, puts the alarm
 * off. The runtime drops an alarm after six failures, and what waits for it would wait for ever.
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
