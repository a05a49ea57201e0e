/** Client-Server API §Push Rules: reading and changing them. They live in the user's account data. */
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import type { PushRuleChange } from '../../src/ports.ts'
import type { JsonObject, JsonValue } from '../../src/protocol/canonical-json.ts'
import { objectField } from '../../src/protocol/json-fields.ts'
import { RULE_KINDS } from '../../src/protocol/push-evaluator.ts'
import { pushRule } from '../../src/protocol/push-rule-edits.ts'
import type { AppEnv } from '../app-env.ts'
import { tokenClaims } from '../middleware/access-token.ts'
import { validate } from '../middleware/validate.ts'

const OneRule = z.object({ kind: z.enum(RULE_KINDS), ruleId: z.string().min(1) })
/** A kind that only other servers know has no rules here. */
const AnyRule = OneRule.extend({ kind: z.string().min(1) })
const list = z.array(z.json())
const Rule = z.object({ actions: list, conditions: list.optional(), pattern: z.string().optional() })
const Place = z.object({ before: z.string().optional(), after: z.string().optional() })
const Enabled = z.object({ enabled: z.boolean() })
const Actions = z.object({ actions: list })

const RULE = '/pushrules/global/:kind/:ruleId'

export const pushRules = new Hono<AppEnv>()

for (const path of ['/pushrules', '/pushrules/']) {
  pushRules.get(path, tokenClaims, async (c) => c.json({ global: await globalRules(c) }))
}

for (const path of ['/pushrules/global', '/pushrules/global/']) {
  pushRules.get(path, tokenClaims, async (c) => c.json(await globalRules(c)))
}

pushRules.get(RULE, tokenClaims, validate({ param: AnyRule }), async (c) => {
  const { kind, ruleId } = c.req.valid('param')
  return c.json(pushRule(await globalRules(c), kind, ruleId))
})

pushRules.get(`${RULE}/enabled`, tokenClaims, validate({ param: AnyRule }), async (c) => {
  const { kind, ruleId } = c.req.valid('param')
  const { enabled } = pushRule(await globalRules(c), kind, ruleId)
  return c.json({ enabled: enabled !== false })
})

pushRules.get(`${RULE}/actions`, tokenClaims, validate({ param: AnyRule }), async (c) => {
  const { kind, ruleId } = c.req.valid('param')
  return c.json({ actions: pushRule(await globalRules(c), kind, ruleId).actions ?? [] })
})

pushRules.put(RULE, tokenClaims, validate({ param: OneRule, query: Place, json: Rule }), (c) => {
  const rule = c.req.valid('json') as { actions: JsonValue[]; conditions?: JsonValue[]; pattern?: string }
  return changed(c, { ...c.req.valid('param'), action: 'put', rule, place: c.req.valid('query') })
})

pushRules.delete(RULE, tokenClaims, validate({ param: OneRule }), (c) =>
  changed(c, { ...c.req.valid('param'), action: 'delete' }),
)

pushRules.put(`${RULE}/enabled`, tokenClaims, validate({ param: OneRule, json: Enabled }), (c) =>
  changed(c, { ...c.req.valid('param'), action: 'enable', enabled: c.req.valid('json').enabled }),
)

pushRules.put(`${RULE}/actions`, tokenClaims, validate({ param: OneRule, json: Actions }), (c) => {
  const { actions } = c.req.valid('json') as { actions: JsonValue[] }
  return changed(c, { ...c.req.valid('param'), action: 'act', actions })
})

async function changed(c: Context<AppEnv>, change: PushRuleChange): Promise<Response> {
  const { objects, session } = c.var
  await objects.user(session.userId).changePushRules(session, change)
  return c.json({})
}

async function globalRules(c: Context<AppEnv>): Promise<JsonObject> {
  const { objects, session } = c.var
  const stored: JsonValue = await objects.user(session.userId).getAccountData(session, null, 'm.push_rules')
  return objectField(objectField(stored)?.global) ?? {}
}
