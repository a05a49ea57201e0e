/** What a check may take from the visit it belongs to. */
import { issueOperatorToken } from '../../src/accounts/operator-token.ts'
import type { Visit, Visitor } from './check.ts'
import { Skipped } from './outcome.ts'

/** The user, for checks that come after the one that gets it. @throws Skipped */
export function visitorOf({ visitor }: Visit): Visitor {
  if (visitor === undefined) throw new Skipped('there is no user to ask as')
  return visitor
}

/** What an earlier check has made. @throws Skipped */
export function madeBefore(visit: Visit, what: keyof Visit['made']): string {
  const found = visit.made[what]
  if (found === undefined) throw new Skipped('what it needs was not made')
  return found
}

/** A token of the operator, good for a few minutes. @throws Skipped */
export async function operatorToken({ operator }: Visit): Promise<string> {
  if (operator === undefined) throw new Skipped('only the operator may ask: TOKEN_KEYS are not given')
  return issueOperatorToken(operator.keys, operator.serverName)
}

/** Path below the client API, its variables escaped. */
export function path(parts: TemplateStringsArray, ...values: string[]): string {
  return String.raw({ raw: parts.raw }, ...values.map(encodeURIComponent))
}
