/** What everybody may ask a server for, and in which form it is answered. */
import * as z from 'zod'
import type { Check } from '../check.ts'
import { must } from '../http.ts'
import { expect } from '../outcome.ts'

export const alive: Check = {
  group: 'endpoints',
  name: 'the server is alive and says its version',
  async run(visit, ask) {
    const body = must(await ask('GET', '/health'), '/health')
    expect(body.status === 'ok' && typeof body.version === 'string', '/health has no status ok and version')
    visit.made.version = body.version
    return { note: `version ${body.version}` }
  },
}

const Versions = z.object({
  versions: z.array(z.string().regex(/^(v\d+\.\d+|r\d+\.\d+\.\d+)$/)).min(1),
  unstable_features: z.record(z.string(), z.boolean()).optional(),
})
const LoginFlows = z.object({ flows: z.array(z.object({ type: z.string() })) })

/** What `schema` finds wrong, in a sentence; nothing if all is well. */
export function mistakes(schema: z.ZodType, body: unknown): string | undefined {
  const { error } = schema.safeParse(body)
  const [issue] = error?.issues ?? []
  return issue && `${issue.path.join('.') || 'the body'}: ${issue.message}`
}

const answered = (path: string, schema: z.ZodType): Check => ({
  group: 'endpoints',
  name: `${path} answers in its form`,
  async run(_, ask) {
    const wrong = mistakes(schema, must(await ask('GET', path), path))
    expect(wrong === undefined, `${path} is wrong: ${wrong}`)
  },
})

export const endpoints: Check[] = [
  alive,
  answered('/_matrix/client/versions', Versions),
  answered('/_matrix/client/v3/login', LoginFlows),
]
