/** What a deployment needs of the Cloudflare account: asked by wrangler, and of the API with wrangler's own login. */
import * as z from 'zod'
import type { Configuration } from './configuration.ts'
import { REQUIRED_SECRETS } from './requirements.ts'
import { wrangler } from './wrangler.ts'

export interface AccountFindings {
  missing: string[]
  notes: string[]
}

const Who = z.object({ accounts: z.array(z.object({ id: z.string(), name: z.string() })).default([]) })
const Token = z.object({ type: z.string(), token: z.string() })
const Subscriptions = z.object({
  result: z.array(
    z.object({
      rate_plan: z.object({ id: z.string().optional(), public_name: z.string().optional() }).optional(),
    }),
  ),
})
const Named = z.array(z.object({ name: z.string() }))

const API = 'https://api.cloudflare.com/client/v4'
const API_MS = 20_000
/** What Cloudflare answers for a Worker that was never deployed. */
const NO_SUCH_WORKER = /\b10007\b|Worker "[^"]*" not found/

/** All that is missing in the account. */
export async function askAccount(configuration: Configuration): Promise<AccountFindings> {
  const who = await wrangler(['whoami', '--json'])
  const login = who.code === 0 ? Who.safeParse(jsonIn(who.stdout)).data : undefined
  if (login === undefined) {
    return {
      missing: ['a login at Cloudflare: npx wrangler login, or the variable CLOUDFLARE_API_TOKEN'],
      notes: [],
    }
  }
  const account = accountOf(configuration, login.accounts)
  if (account === undefined) {
    const names = login.accounts.map(({ id, name }) => `${name} (${id})`).join(', ')
    return {
      missing: [`which account: write account_id into ${configuration.file}; there are ${names || 'none'}`],
      notes: [],
    }
  }
  const parts = await Promise.all([planOf(account), secretsOf(configuration), bucketsOf(configuration)])
  return { missing: parts.flatMap(({ missing }) => missing), notes: parts.flatMap(({ notes }) => notes) }
}

function accountOf({ worker }: Configuration, accounts: { id: string }[]): string | undefined {
  return (
    worker.account_id ??
    process.env.CLOUDFLARE_ACCOUNT_ID ??
    (accounts.length === 1 ? accounts[0]!.id : undefined)
  )
}

/** Without the Paid plan a request may call few other services, and the Worker of thumbnails is refused. */
async function planOf(account: string): Promise<AccountFindings> {
  const unseen = {
    missing: [],
    notes: ['the plan could not be seen with this login: look whether it is Workers Paid'],
  }
  const token = await tokenOf()
  if (token === undefined) return unseen
  const base = process.env.CLOUDFLARE_API_BASE_URL ?? API
  const answer = await fetch(`${base}/accounts/${account}/subscriptions`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(API_MS),
  }).catch(() => undefined)
  const found = answer?.ok
    ? Subscriptions.safeParse(await answer.json().catch(() => undefined)).data
    : undefined
  if (found === undefined) return unseen
  const isPaid = found.result.some(({ rate_plan: plan }) =>
    /workers.*(paid|bundle|enterprise)/i.test(`${plan?.id ?? ''} ${plan?.public_name ?? ''}`),
  )
  return {
    missing: isPaid ? [] : ['the Workers Paid plan: choose it under Workers & Pages, Plans'],
    notes: [],
  }
}

async function tokenOf(): Promise<string | undefined> {
  if (process.env.CLOUDFLARE_API_TOKEN) return process.env.CLOUDFLARE_API_TOKEN
  const run = await wrangler(['auth', 'token', '--json'])
  return run.code === 0 ? Token.safeParse(jsonIn(run.stdout)).data?.token : undefined
}

async function secretsOf({ path, secrets }: Configuration): Promise<AccountFindings> {
  const run = await wrangler(['secret', 'list', '--format', 'json', '-c', path])
  const isFirst = run.code !== 0 && NO_SUCH_WORKER.test(run.said)
  const there = run.code === 0 ? Named.safeParse(jsonIn(run.stdout)).data : undefined
  if (there === undefined && !isFirst) {
    return { missing: [`the names of the secrets cannot be listed: ${lastOf(run.said)}`], notes: [] }
  }
  const known = new Set([...(there ?? []).map(({ name }) => name), ...Object.keys(secrets)])
  const missing = REQUIRED_SECRETS.filter((name) => !known.has(name))
  const how = isFirst
    ? 'give it in the file of --secrets'
    : 'npx wrangler secret put NAME, or in the file of --secrets'
  return {
    missing: missing.map((name) => `the secret ${name}: ${how.replace('NAME', name)}`),
    notes: isFirst ? ['this is the first deployment of this Worker'] : [],
  }
}

async function bucketsOf({ worker }: Configuration): Promise<AccountFindings> {
  const missing: string[] = []
  for (const { bucket_name: name, jurisdiction } of worker.r2_buckets) {
    const where = jurisdiction === undefined ? [] : ['--jurisdiction', jurisdiction]
    const { code, said } = await wrangler(['r2', 'bucket', 'info', name!, '--json', ...where])
    if (code === 0) continue
    const isAbsent = /\b10006\b|does not exist|not found/i.test(said)
    missing.push(
      isAbsent
        ? `the bucket ${name}: npx wrangler r2 bucket create ${[name, ...where].join(' ')}`
        : `the bucket ${name} cannot be asked for: ${lastOf(said)}`,
    )
  }
  return { missing, notes: [] }
}

const lastOf = (said: string) => said.trim().split('\n').filter(Boolean).slice(-3).join(' ').slice(0, 300)

/** Warnings may stand before it. */
function jsonIn(text: string): unknown {
  const start = text.search(/^[[{]/m)
  try {
    return start === -1 ? undefined : JSON.parse(text.slice(start))
  } catch {
    return undefined
  }
}
