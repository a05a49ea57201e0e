/** Client-Server API §Push Rules: reading and changing them. They live in the user's account data. */
import { Hono } from 'hono'
import * as z from 'zod'
import type { PushRuleChange } from '../../../src/objects/user/settings.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import type { JsonObject, JsonValue } from '../../../src/protocol/events/canonical-json.ts'
import { objectField } from '../../../src/protocol/json-fields.ts'
import { RULE_KINDS, type RuleKind, rulesOf } from '../../../src/protocol/push/push-evaluator.ts'
import { pushRule } from '../../../src/protocol/push/push-rule-edits.ts'
import type { AppEnv, UserContext } from '../../app-env.ts'
import { endpoint } from '../../middleware/endpoint.ts'

/** A kind that only some other servers know has no rules here. */
const READ_KINDS: readonly string[] = [...RULE_KINDS, 'postcontent']
const OneRule = z.object({ kind: z.enum(RULE_KINDS), ruleId: z.string().min(1) })
const list = z.array(z.unknown())
const Rule = z.object({ actions: list, conditions: list.optional(), pattern: z.string().optional() })
const Place = z.object({ before: z.string().optional(), after: z.string().optional() })
const Enabled = z.object({ enabled: z.boolean() })
const Actions = z.object({ actions: list })

const ROOT = '/pushrules'
const SCOPE = `${ROOT}/global`
const RULE = `${SCOPE}/:kind/:ruleId`

export const pushRules = new Hono<AppEnv>()

for (const path of [ROOT, `${ROOT}/`]) {
  pushRules.get(
    path,
    endpoint({ auth: 'claims', guests: false, suspended: true, limit: 'read' }),
    async (c) => c.json({ global: await globalRules(c) }),
  )
}

for (const path of [SCOPE, `${SCOPE}/`]) {
  pushRules.get(
    path,
    endpoint({ auth: 'claims', guests: false, suspended: true, limit: 'read' }),
    async (c) => c.json(await globalRules(c)),
  )
}

pushRules.get(
  `${SCOPE}/:kind/`,
  endpoint({ auth: 'claims', guests: false, suspended: true, limit: 'read' }),
  async (c) => c.json(rulesOf(await globalRules(c), knownKind(c.req.param('kind')))),
)

pushRules.get(RULE, endpoint({ auth: 'claims', guests: false, suspended: true, limit: 'read' }), async (c) =>
  c.json(await ruleOf(c)),
)

/** Any of its attributes; the specification names `enabled` and `actions`. */
pushRules.get(
  `${RULE}/:attribute`,
  endpoint({ auth: 'claims', guests: false, suspended: true, limit: 'read' }),
  async (c) => {
    const [rule, attribute] = [await ruleOf(c), c.req.param('attribute') ?? '']
    if (attribute === 'enabled') return c.json({ enabled: rule.enabled !== false })
    if (attribute === 'actions') return c.json({ actions: rule.actions ?? [] })
    if (Object.hasOwn(rule, attribute)) return c.json({ [attribute]: rule[attribute] ?? null })
    throw unrecognised(`A rule has no attribute ${attribute}`)
  },
)

/** As on other servers, a slash at the end changes nothing about what is written. */
for (const end of ['', '/']) {
  pushRules.put(
    `${RULE}${end}`,
    endpoint({
      auth: 'claims',
      guests: false,
      suspended: true,
      limit: 'write',
      param: OneRule,
      query: Place,
      json: Rule,
    }),
    (c) => {
      const rule = c.req.valid('json') as { actions: JsonValue[]; conditions?: JsonValue[]; pattern?: string }
      return changed(c, { ...c.req.valid('param'), action: 'put', rule, place: c.req.valid('query') })
    },
  )

  pushRules.delete(
    `${RULE}${end}`,
    endpoint({ auth: 'device', guests: false, suspended: true, limit: 'write' }),
    (c) => {
      const { kind, ruleId } = c.req.param() as { kind: string; ruleId: string }
      if (!isKind(kind)) throw new MatrixError('M_NOT_FOUND', `There is no ${kind} rule ${ruleId}`)
      return changed(c, { kind, ruleId, action: 'delete' })
    },
  )

  pushRules.put(
    `${RULE}/enabled${end}`,
    endpoint({
      auth: 'claims',
      guests: false,
      suspended: true,
      limit: 'write',
      param: OneRule,
      json: Enabled,
    }),
    (c) => changed(c, { ...c.req.valid('param'), action: 'enable', enabled: c.req.valid('json').enabled }),
  )

  pushRules.put(
    `${RULE}/actions${end}`,
    endpoint({
      auth: 'claims',
      guests: false,
      suspended: true,
      limit: 'write',
      param: OneRule,
      json: Actions,
    }),
    (c) => {
      const { actions } = c.req.valid('json') as { actions: JsonValue[] }
      return changed(c, { ...c.req.valid('param'), action: 'act', actions })
    },
  )
}

/** Any other path names another scope, no rule, or no attribute of a rule: clients expect 400. */
const OTHERS = [
  { methods: ['GET'], limit: 'read' },
  { methods: ['PUT', 'DELETE'], limit: 'write' },
] as const
for (const { methods, limit } of OTHERS) {
  const row = { auth: 'device', guests: false, suspended: true, limit } as const
  pushRules.on([...methods], `${ROOT}/*`, endpoint(row), () => {
    throw unrecognised('Push rules are found at /pushrules/global/{kind}/{ruleId}')
  })
}

async function changed(c: UserContext, change: PushRuleChange): Promise<Response> {
  const { objects, requester } = c.var
  await objects.user(requester.userId).changePushRules(requester.session, change)
  return c.json({})
}

async function globalRules(c: UserContext): Promise<JsonObject> {
  const { objects, requester } = c.var
  const stored: JsonValue = await objects
    .user(requester.userId)
    .getAccountData(requester.session, null, 'm.push_rules')
  return objectField(objectField(stored)?.global) ?? {}
}

/** @throws MatrixError M_NOT_FOUND; M_UNRECOGNIZED, status 400, where there is no such kind */
async function ruleOf(c: UserContext): Promise<JsonObject> {
  const { kind = '', ruleId = '' } = c.req.param() as Record<string, string>
  return pushRule(await globalRules(c), knownKind(kind), ruleId)
}

function knownKind(kind: string | undefined): string {
  if (kind !== undefined && READ_KINDS.includes(kind)) return kind
  throw unrecognised(`There is no kind of push rules named ${kind}`)
}

function isKind(kind: string | undefined): kind is RuleKind {
  return (RULE_KINDS as readonly (string | undefined)[]).includes(kind)
}

function unrecognised(message: string): MatrixError {
  return new MatrixError('M_UNRECOGNIZED', message, { status: 400 })
}
