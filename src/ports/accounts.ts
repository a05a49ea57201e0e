/** What Postgres keeps of accounts, and of the tokens that let people register. */
import type { IssuedSubject } from './sign-in.ts'

export interface Account {
  localpart: string
  /** As `src/accounts/passwords.ts` writes it; null: nobody can log in by password. */
  passwordHash: string | null
  admin: boolean
  deactivated: boolean
  guest: boolean
  createdTs: number
  /** The interactive-auth session that made it: repeating that registration gives the same account again. */
  createdBySession: string | null
}

export interface AccountCreation {
  /** Used up in the transaction that makes the account. */
  registrationToken?: string | undefined
  /** A guest of this name becomes this account. */
  upgrades?: boolean
  /** The account belongs to this user of another system. */
  subject?: IssuedSubject
}

export interface AccountStore {
  /** Inserts; `taken` where the localpart is (deactivated accounts keep theirs), unless a guest of that name is upgraded. */
  create(account: Account, options?: AccountCreation): Promise<'created' | 'taken' | 'token_spent'>
  find(localpart: string): Promise<Account | undefined>
  /** The account that belongs to a user of another system. */
  findBySubject(subject: IssuedSubject): Promise<Account | undefined>
  /** Gives an account to a user of another system. False if it belongs to one already, or may not be given away. */
  link(localpart: string, subject: IssuedSubject): Promise<boolean>
  /** Those of these localparts that have an account. */
  existing(localparts: string[]): Promise<string[]>
  /** Whether a registration token exists, is not expired and has uses left. */
  registrationTokenValid(token: string, now: number): Promise<boolean>
  setPassword(localpart: string, passwordHash: string): Promise<void>
  /** False if there is no such account, or if it was deactivated. */
  setAdmin(localpart: string, admin: boolean): Promise<boolean>
  /** Accounts after a localpart, in their order. */
  list(after: string, limit: number): Promise<Account[]>
  /** For good: nobody logs in any more, and the name stays taken. With erasure, the user's words in reports go too. */
  deactivate(userId: string, erased: boolean): Promise<void>
}

export interface RegistrationToken {
  token: string
  /** Null: without limit. */
  usesAllowed: number | null
  uses: number
  /** Null: never. */
  expiresTs: number | null
}

export interface RegistrationTokenStore {
  list(): Promise<RegistrationToken[]>
  find(token: string): Promise<RegistrationToken | undefined>
  /** False when there is such a token. */
  create(token: RegistrationToken): Promise<boolean>
  /** False when there is no such token. */
  remove(token: string): Promise<boolean>
}
