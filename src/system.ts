/** The machine's clock and randomness: the only place that asks for them. */
import type { Clock, Random } from './ports/system.ts'

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
/** The largest multiple of 62 in a byte: higher ones are thrown away, so that every letter is as likely. */
const FAIR = 256 - (256 % LETTERS.length)

/** Where timers are set: tests count them there. */
export const systemTimers: Pick<typeof globalThis, 'setTimeout' | 'clearTimeout'> = globalThis

export const systemClock: Clock = { now: () => Date.now() }

export const systemRandom: Random = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  token(length) {
    let token = ''
    while (token.length < length) {
      for (const byte of systemRandom.bytes(length - token.length + 8)) {
        if (byte < FAIR && token.length < length) token += LETTERS[byte % LETTERS.length]
      }
    }
    return token
  },
}
