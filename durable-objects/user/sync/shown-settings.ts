/** What of a user's settings decides what is shown and counted: read once, until it changes. */
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { rulesetOf } from '../push/push-rules.ts'
import { ignoredUsers } from '../settings/ignored-users.ts'

export class ShownSettings {
  readonly #sql: SqlStorage
  readonly #userId: string
  #read: { ruleset: JsonObject; ignored: ReadonlySet<string> } | undefined

  constructor(sql: SqlStorage, userId: string) {
    this.#sql = sql
    this.#userId = userId
  }

  get ruleset(): JsonObject {
    return this.#now.ruleset
  }

  get ignored(): ReadonlySet<string> {
    return this.#now.ignored
  }

  /** They have changed. */
  forget(): void {
    this.#read = undefined
  }

  get #now(): { ruleset: JsonObject; ignored: ReadonlySet<string> } {
    this.#read ??= {
      ruleset: rulesetOf(this.#sql, this.#userId),
      ignored: ignoredUsers(this.#sql, this.#userId),
    }
    return this.#read
  }
}
