/** The user's push rules, as they lie in their account data, and what a client changes about them. */
import type { PushRuleChange } from '../../../src/objects/user/settings.ts'
import type { UserLogEntry } from '../../../src/ports/archive.ts'
import type { JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { objectField } from '../../../src/protocol/json-fields.ts'
import {
  currentPushRules,
  withoutRule,
  withRule,
  withRuleChange,
} from '../../../src/protocol/push/push-rule-edits.ts'
import { findAccountData, writeAccountData } from '../settings/account-data.ts'

const TYPE = 'm.push_rules'

/** What the user has stored of their rules; undefined: the default ones. */
export function storedRuleset(sql: SqlStorage): JsonObject | undefined {
  const content = findAccountData(sql, null, TYPE)
  return content && objectField(content.global)
}

/** The value of `global`, the default rules included. */
export function rulesetOf(sql: SqlStorage, userId: string): JsonObject {
  return currentPushRules(userId, storedRuleset(sql))
}

/** Changes the rules, inside the caller's transaction. @throws MatrixError M_NOT_FOUND, M_INVALID_PARAM */
export function changePushRules(
  sql: SqlStorage,
  userId: string,
  change: PushRuleChange,
  nextOwn: () => number,
): { archive: UserLogEntry[] } {
  const global = applied(rulesetOf(sql, userId), change)
  return writeAccountData(sql, { roomId: null, type: TYPE, content: { global } }, nextOwn)
}

function applied(ruleset: JsonObject, change: PushRuleChange): JsonObject {
  const { kind, ruleId } = change
  switch (change.action) {
    case 'put':
      return withRule(ruleset, kind, ruleId, change.rule, change.place)
    case 'delete':
      return withoutRule(ruleset, kind, ruleId)
    case 'enable':
      return withRuleChange(ruleset, kind, ruleId, { enabled: change.enabled })
    case 'act':
      return withRuleChange(ruleset, kind, ruleId, { actions: change.actions })
  }
}
