/** Client-Server API §Push Rules: reading them. They live in the user's account data. */
import { type Context, Hono } from 'hono'
import * as z from 'zod'
import type { JsonObject, JsonValue } from '../../src/protocol/canonical-json.ts'
import { MatrixError } from '../../src/protocol/errors.ts'
import { objectField } from '../../src/protocol/json-fields.ts'
import type { AppEnv } from '../app-env.ts'
import { tokenClaims } from '../middleware/access-token.ts'
import { validate } from '../middleware/validate.ts'

const OneRule = z.object({
  kind: z.enum(['override', 'content', 'room', 'sender', 'underride']),
  ruleId: z.string(),
})

export const pushRules = new Hono<AppEnv>()

for (const path of ['/pushrules', '/pushrules/']) {
  pushRules.get(path, tokenClaims, async (c) => c.json({ global: await globalRules(c) }))
}

for (const path of ['/pushrules/global', '/pushrules/global/']) {
  pushRules.get(path, tokenClaims, async (c) => c.json(await globalRules(c)))
}

pushRules.get('/pushrules/global/:kind/:ruleId', tokenClaims, validate({ param: OneRule }), async (c) => {
  const { kind, ruleId } = c.req.valid('param')
  const rules = (await globalRules(c))[kind]
  const rule = Array.isArray(rules)
    ? rules.find((entry) => objectField(entry)?.rule_id === ruleId)
    : undefined
  if (rule === undefined) throw new MatrixError('M_NOT_FOUND', `There is no ${kind} rule ${ruleId}`)
  return c.json(rule)
})

async function globalRules(c: Context<AppEnv>): Promise<JsonObject> {
  const { objects, session } = c.var
  const stored: JsonValue = await objects.user(session.userId).getAccountData(session, null, 'm.push_rules')
  return objectField(objectField(stored)?.global) ?? {}
}
