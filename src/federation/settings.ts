/** The settings of federation: whether it is on, and the notaries that are asked for keys. */
import * as z from 'zod'
import type { FederationSettings } from '../ports/config.ts'
import { signingKey } from '../protocol/events/signing.ts'
import { isServerName } from '../protocol/identifiers.ts'
import { keyList } from '../setting-forms.ts'

/** What stands for no notary: an empty variable counts as absent. */
const NONE = 'none'
const MOST_NOTARIES = 5

/** The names of servers with commas between them, or `none`. */
export function notariesIn(text: string): string[] | undefined {
  const names = text === NONE ? [] : text.split(',')
  return names.length <= MOST_NOTARIES && names.every(isServerName) ? names : undefined
}

/** The variables of federation. */
export const FederationVariables = {
  FEDERATION: z.enum(['on', 'off']).default('off'),
  KEY_NOTARIES: z
    .string()
    .default('matrix.org')
    .transform((text, context) => {
      const names = notariesIn(text)
      if (names !== undefined) return names
      context.addIssue({
        code: 'custom',
        message: 'must be up to five server names with commas between them, or none',
      })
      return z.NEVER
    }),
}

/** A key that has an end signs nothing more: others learn of it from the list of old keys. */
export const SigningKeys = (secret: z.ZodString) =>
  keyList(
    z.object({
      id: z.string().regex(/^ed25519:[A-Za-z0-9_]+$/),
      seed: secret,
      expired_ts: z.int().min(0).optional(),
    }),
  ).refine((keys) => keys[0]?.expired_ts === undefined, 'must begin with a key that has not ended')

type Given = z.infer<z.ZodObject<typeof FederationVariables>>
type GivenKeys = z.infer<ReturnType<typeof SigningKeys>>

/** The settings that the variables stand for. */
export function federationOf(given: Given): FederationSettings {
  return { on: given.FEDERATION === 'on', notaries: given.KEY_NOTARIES }
}

/** The keys that sign, and those that have ended. */
export function signingKeysOf(keys: GivenKeys) {
  const made = keys.map(({ id, seed, expired_ts: endedAt }) => ({ key: signingKey(id, seed), endedAt }))
  return {
    signingKeys: made.filter(({ endedAt }) => endedAt === undefined).map(({ key }) => key),
    endedSigningKeys: made.flatMap(({ key, endedAt }) =>
      endedAt === undefined ? [] : [{ id: key.id, publicKey: key.publicKey, endedAt }],
    ),
  }
}
