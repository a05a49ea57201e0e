/** What wrangler asks of Cloudflare's API, answered from memory: the real wrangler is run against it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

const ACCOUNT = 'a'.repeat(32)

export interface Deployed {
  /** The name of the Worker. */
  name: string
  /** What wrangler says of it beside its source. */
  metadata: {
    bindings: { name: string; type: string; text?: string }[]
    migrations?: unknown
    main_module: string
  }
}

export interface FakeCloudflare {
  url: string
  /** The token that it takes. */
  token: string
  /** The variables by which wrangler and the command find it. */
  env: Record<string, string>
  plans: string[]
  /** Whether the token may read what the account pays for. */
  showsPlans: boolean
  buckets: Set<string>
  /** Secrets of each Worker that there is. */
  secrets: Map<string, Set<string>>
  deployed: Deployed[]
  /** Host names that lead to a Worker. */
  domains: string[]
  /** What was asked that it does not know. */
  unknown: string[]
  close(): Promise<void>
}

type Answer = { result: unknown } | { status: number; code: number; message: string }

export async function startCloudflare(): Promise<FakeCloudflare> {
  const state = {
    plans: ['workers_paid'],
    showsPlans: true,
    buckets: new Set<string>(),
    secrets: new Map<string, Set<string>>(),
    deployed: [] as Deployed[],
    domains: [] as string[],
    unknown: [] as string[],
  }
  const token = 'token-of-the-account'
  const fake = state as unknown as FakeCloudflare
  const server = createServer(async (request, response) => {
    const body = await buffer(request)
    const { pathname } = new URL(request.url!, 'http://fake')
    const isKnown = request.headers.authorization === `Bearer ${token}`
    const answer = isKnown
      ? answerTo(fake, `${request.method} ${pathname.replace(`/accounts/${ACCOUNT}`, '')}`, body)
      : { status: 400, code: 9106, message: 'Authentication failed' }
    const isGood = 'result' in answer
    response.writeHead(isGood ? 200 : answer.status, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify({
        success: isGood,
        errors: isGood ? [] : [{ code: answer.code, message: answer.message }],
        messages: [],
        result: isGood ? answer.result : null,
      }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(fake, {
    url,
    token,
    env: { CLOUDFLARE_API_BASE_URL: url, CLOUDFLARE_API_TOKEN: token },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

const absent = (code: number): Answer => ({ status: 404, code, message: 'not found' })

/** The first row whose pattern fits answers. */
const ROWS: [RegExp, (fake: FakeCloudflare, found: string[], body: Buffer) => Answer][] = [
  [/^GET \/user\/tokens\/verify$/, () => ({ result: { id: 'token', status: 'active' } })],
  [/^GET \/user$/, () => ({ result: { id: 'user', email: 'operator@talk.example' } })],
  [/^GET \/accounts$/, () => ({ result: [{ id: ACCOUNT, name: 'The account' }] })],
  [/^GET \/memberships$/, () => ({ result: [{ id: 'm', account: { id: ACCOUNT, name: 'The account' } }] })],
  [
    /^GET \/subscriptions$/,
    ({ plans, showsPlans }) =>
      showsPlans
        ? { result: plans.map((id) => ({ rate_plan: { id, public_name: id } })) }
        : { status: 403, code: 10000, message: 'Authentication error' },
  ],
  [
    /^GET \/workers\/services\/([^/]+)$/,
    ({ secrets }, [name]) =>
      secrets.has(name!)
        ? {
            result: {
              id: name,
              default_environment: { environment: 'production', script: { last_deployed_from: 'wrangler' } },
            },
          }
        : absent(10090),
  ],
  [
    /^GET \/workers\/scripts\/([^/]+)\/secrets$/,
    ({ secrets }, [name]) => {
      const there = secrets.get(name!)
      return there === undefined
        ? absent(10007)
        : { result: [...there].map((one) => ({ name: one, type: 'secret_text' })) }
    },
  ],
  [/^GET \/workers\/scripts\/([^/]+)\/deployments$/, () => ({ result: { deployments: [] } })],
  [
    /^GET \/workers\/scripts\/[^/]+\/settings$/,
    () => ({ result: { bindings: [], migration_tag: undefined } }),
  ],
  [/^GET \/workers\/scripts$/, ({ secrets }) => ({ result: [...secrets.keys()].map((id) => ({ id })) })],
  [/^PUT \/workers\/scripts\/([^/]+)$/, upload],
  [
    /^GET \/workers\/scripts\/[^/]+\/subdomain$/,
    () => ({ result: { enabled: false, previews_enabled: false } }),
  ],
  [
    /^POST \/workers\/scripts\/[^/]+\/subdomain$/,
    () => ({ result: { enabled: false, previews_enabled: false } }),
  ],
  [
    /^POST \/workers\/scripts\/[^/]+\/domains\/changeset$/,
    () => ({ result: { added: [], removed: [], updated: [], conflicting: [] } }),
  ],
  [
    /^PUT \/workers\/scripts\/[^/]+\/domains\/records$/,
    ({ domains }, _, body) => {
      const { origins } = JSON.parse(body.toString()) as { origins: { hostname: string }[] }
      domains.push(...origins.map(({ hostname }) => hostname))
      return { result: origins }
    },
  ],
  // Figures of a bucket, which wrangler does without where there are none.
  [/^POST \/graphql$/, () => absent(7003)],
  [/^GET \/zones$/, () => ({ result: [{ id: 'zone', name: 'talk.example' }] })],
  [/^GET \/zones\/zone\/workers\/routes$/, () => ({ result: [] })],
  [
    /^GET \/r2\/buckets\/([^/]+)$/,
    ({ buckets }, [name]) => (buckets.has(name!) ? { result: { name } } : absent(10006)),
  ],
]

function upload({ secrets, deployed }: FakeCloudflare, [name]: string[], body: Buffer): Answer {
  // The part of the form that is named `metadata`.
  const [, json] = /name="metadata"\r\n(?:[^\r\n]+\r\n)*\r\n(.*)\r\n/.exec(body.toString('latin1')) ?? []
  if (json === undefined) return { status: 400, code: 10021, message: 'no metadata' }
  const metadata = JSON.parse(json) as Deployed['metadata']
  const there = secrets.get(name!) ?? new Set()
  for (const { name: secret, type } of metadata.bindings) if (type === 'secret_text') there.add(secret)
  secrets.set(name!, there)
  deployed.push({ name: name!, metadata })
  return {
    result: {
      id: name,
      etag: 'e',
      pipeline_hash: 'p',
      mutable_pipeline_id: 'm',
      deployment_id: 'd',
      startup_time_ms: 9,
      entry_point: 'x',
    },
  }
}

function answerTo(fake: FakeCloudflare, question: string, body: Buffer): Answer {
  for (const [pattern, answer] of ROWS) {
    const found = pattern.exec(question)
    if (found) return answer(fake, found.slice(1), body)
  }
  fake.unknown.push(question)
  return absent(7003)
}
