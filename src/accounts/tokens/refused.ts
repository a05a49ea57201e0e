/** Why a token is no good: for the log, since its sender is told no more than that it is. */
import { errors, type JWTPayload } from 'jose'
import type { TokenIssuer } from '../../ports/sign-in.ts'
import { MatrixError } from '../../protocol/errors.ts'

/** What a token was found to be: whose, and what it says. */
export interface Proved {
  issuer: TokenIssuer
  claims: JWTPayload
}

export type TokenFault =
  | 'size'
  | 'form'
  | 'issuer'
  | 'algorithm'
  | 'key'
  | 'signature'
  | 'encryption'
  | 'expired'
  | 'not yet valid'
  | 'audience'
  | 'type'
  | 'claims'
  | 'lifetime'
  | 'subject'
  | 'no account'
  | 'another account'
  | 'deactivated'

/** One error for all that may be wrong with a token. */
export class TokenRefused extends MatrixError {
  readonly fault: TokenFault
  /** As the settings name it: what the token says of itself is not written down. */
  readonly issuer: string | undefined

  constructor(fault: TokenFault, issuer?: TokenIssuer) {
    super('M_FORBIDDEN', 'The token is not good for signing in here')
    this.fault = fault
    this.issuer = issuer?.issuer
  }
}

const CLAIM_FAULTS: Readonly<Record<string, TokenFault>> = {
  nbf: 'not yet valid',
  aud: 'audience',
  iss: 'issuer',
  typ: 'type',
}

/**
 * The fault that an error of jose tells of.
 * @throws the error itself, where it is none of these
 */
export function reasonOf(error: unknown): TokenFault {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWTClaimValidationFailed) return CLAIM_FAULTS[error.claim] ?? 'claims'
  if (error instanceof errors.JOSEAlgNotAllowed) return 'algorithm'
  // jose throws a TypeError, and WebCrypto a DOMException, for a key or a text that cannot be what it says it is.
  if (error instanceof errors.JOSEError || error instanceof TypeError || error instanceof DOMException) {
    return 'form'
  }
  throw error
}
