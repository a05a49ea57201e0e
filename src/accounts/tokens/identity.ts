/** Who a checked token means: the user name that its subject stands for, and what it says of the user's profile. */
import { Buffer } from 'node:buffer'
import type { TokenIssuer } from '../../ports/sign-in.ts'
import { fitsBytes, isNewUserId } from '../../protocol/identifiers.ts'
import type { Profile } from '../../protocol/profile.ts'
import { checkProfileValue } from '../../protocol/profile.ts'

type Claims = Record<string, unknown>

/** What a subject may be: more is nobody's name. */
const LONGEST_SUBJECT = 255
const LONGEST_NAME = 255
const CONTROL = /\p{Cc}/u
const MEDIA = /^mxc:\/\/[^/\s]+\/[A-Za-z0-9_-]+$/

/** The subject of a token; undefined where the claim holds nothing that could be one. */
export function subjectOf(claims: Claims, { userClaim }: TokenIssuer): string | undefined {
  const claim = Object.hasOwn(claims, userClaim) ? claims[userClaim] : undefined
  const text = Number.isSafeInteger(claim) ? String(claim) : claim
  if (typeof text !== 'string' || text === '' || !text.isWellFormed() || CONTROL.test(text)) return undefined
  return fitsBytes(text, LONGEST_SUBJECT) ? text : undefined
}

/** The localpart for a subject; undefined where its user id would be too long. */
export function localpartFor(
  subject: string,
  { userPrefix, distinguishCase }: TokenIssuer,
  serverName: string,
): string | undefined {
  const localpart = userPrefix + mapped(subject, distinguishCase)
  return isNewUserId(localpart, serverName) ? localpart : undefined
}

/**
 * Appendices §Mapping from other character sets: capitals become small letters, or `_` and the small letter where case
 * counts, and each byte that a user name may not hold, or `=`, becomes `=` and its hexadecimal value.
 */
function mapped(subject: string, distinguishCase: boolean): string {
  const escaped = distinguishCase ? subject.replace(/[A-Z_]/g, '_$&') : subject
  return [...Buffer.from(escaped)]
    .map((byte) => {
      const letter = String.fromCharCode(byte).toLowerCase()
      return byte < 128 && /[a-z0-9._\-/+]/.test(letter) ? letter : `=${byte.toString(16).padStart(2, '0')}`
    })
    .join('')
}

/**
 * What a token says of its user's name and picture. A claim that no profile can hold is left out: nobody is kept out for
 * it. A picture counts only if it lies on a Matrix server: the server fetches none from elsewhere.
 */
export function profileOf(claims: Claims, { nameClaim, pictureClaim }: TokenIssuer): Profile {
  const name = textOf(claims, nameClaim)?.trim()
  const picture = textOf(claims, pictureClaim)
  const profile: Profile = {}
  if (name !== undefined && name !== '') profile.displayname = [...name].slice(0, LONGEST_NAME).join('')
  if (picture !== undefined && MEDIA.test(picture)) profile.avatar_url = picture
  return Object.fromEntries(Object.entries(profile).filter(([key, value]) => isPossible(key, value)))
}

function textOf(claims: Claims, claim: string | undefined): string | undefined {
  const value = claim !== undefined && Object.hasOwn(claims, claim) ? claims[claim] : undefined
  return typeof value === 'string' ? value : undefined
}

function isPossible(key: string, value: string): boolean {
  try {
    checkProfileValue(key, value)
    return true
  } catch {
    return false
  }
}
