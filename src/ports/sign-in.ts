/** Sign-in by tokens of another system: what the settings say of the systems, and how their keys are fetched. */

/** A key with which a system signs, as JSON Web Keys are written. */
export interface IssuerKey {
  /** The `kid` of the tokens that it signs; without one it is tried for each. */
  id?: string
  jwk: Record<string, unknown> & { kty: string }
}

/** What proves that a token is the system's. */
export type TokenProof =
  /** Signed, by a key that the settings hold, or by one of the set at a URL. */
  | { kind: 'keys'; keys: IssuerKey[]; audience: string[] }
  | { kind: 'key set'; url: string; audience: string[] }
  /** Encrypted as Auth.js does it: by a key made of the application's secret and the name of its cookie. */
  | { kind: 'authjs'; secrets: string[]; cookies: string[] }

/** A system whose users may sign in here by the tokens it gives them. */
export interface TokenIssuer {
  /** The `iss` of its tokens. Those of Auth.js have none: there it is only the name by which accounts are known as its own. */
  issuer: string
  proof: TokenProof
  userClaim: string
  userPrefix: string
  /** Whether `Bob` and `bob` are two users. */
  distinguishCase: boolean
  /** Undefined: the name or picture is not taken. */
  nameClaim?: string
  pictureClaim?: string
  /** Whether each sign-in sets name and picture, and not the first one alone. */
  updateProfile: boolean
  /** Whether a first sign-in makes an account. */
  createAccounts: boolean
  /** Whether a first sign-in may take an account that people made here, and that is no administrator's. */
  existingAccounts: boolean
  /** How long a session lives, ms. */
  sessionMs: number
  /** By how much the clocks may differ, s. */
  leewaySeconds: number
  /** How far ahead a token may expire, s. */
  maxTokenSeconds: number
}

/** What an account is known by in the system that it belongs to. */
export interface IssuedSubject {
  issuer: string
  subject: string
}

export interface KeySetReader {
  /**
   * The JSON at the URL of a key set.
   * @throws if it cannot be had in time, is too long, or is none
   */
  read(url: string): Promise<unknown>
}

export interface KeySets {
  /**
   * The keys of the set at a URL that may have signed a token with this header.
   * @throws MatrixError M_UNKNOWN with 503 while nobody can tell
   */
  candidates(url: string, header: { alg?: string; kid?: string }): Promise<IssuerKey[]>
}
