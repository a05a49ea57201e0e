/** The forms that settings have: each is a text of the environment. */
import * as z from 'zod'

/** Zero means no bound. */
export function numberOrNone(given: string, what = 'number') {
  return z
    .string()
    .regex(/^\d{1,15}$/, `must be a ${what}, or 0`)
    .default(given)
    .transform(Number)
}

/** Of a whole. */
export function share(given: string) {
  return z
    .string()
    .regex(/^(1|0(\.\d{1,9})?)$/, 'must be a number from 0 to 1')
    .default(given)
    .transform(Number)
}

/** A header as OpenTelemetry's variables have it: percent-encoded where it must be. */
export function headerOf(pair: string): [string, string] {
  const at = pair.indexOf('=')
  return [pair.slice(0, at), decodeURIComponent(pair.slice(at + 1)).trim()]
}

export function bytesOrNone(given: string) {
  return numberOrNone(given, 'number of bytes')
}

export function keyList<T extends z.ZodType>(key: T) {
  return jsonList().pipe(z.array(key).min(1, 'must hold at least one key'))
}

export function jsonList() {
  return z.string().transform((text, context) => {
    try {
      return JSON.parse(text) as unknown
    } catch {
      context.addIssue({ code: 'custom', message: 'must be a JSON list' })
      return z.NEVER
    }
  })
}

export function positive(given: string, what: string) {
  return z
    .string()
    .regex(/^[1-9]\d{0,11}$/, `must be a number of ${what}`)
    .default(given)
    .transform(Number)
}
