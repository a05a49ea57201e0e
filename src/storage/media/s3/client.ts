/** Requests to S3, signed by version 4 of its signatures, each with a time limit. */
import { createHash } from 'node:crypto'
import { AwsV4Signer } from 'aws4fetch'
import type { S3Settings } from '../../../ports/config.ts'
import type { CallCounters } from '../../../ports/system.ts'
import { withDeadline } from '../../deadline.ts'
import { StoreAway, StoreRefused } from '../failures.ts'
import { errorCodeIn } from './xml.ts'

/** How long S3 may take until it answers a request without a stream, ms. */
const ANSWER_MS = 15_000
/** To put the parts of a large upload together S3 may need longer, ms. */
const COMPLETION_MS = 60_000
/** Answers that are XML: a list of 1,000 keys of 300 characters fits. */
const MOST_XML_BYTES = 2_000_000

export interface S3Request {
  method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE'
  key?: string
  query?: Record<string, string>
  headers?: Record<string, string>
  body?: Uint8Array | string
  /** It may be slow to answer. */
  slow?: boolean
}

export interface S3Client {
  /**
   * Any answer but those that say that S3 is away or that it refuses us.
   * @throws StoreAway, StoreRefused
   */
  ask(request: S3Request): Promise<Response>
  /** The same with the text of the answer. */
  askText(request: S3Request): Promise<{ status: number; text: string }>
}

/** Answers that say something of an object, not of us: it is not there, or not as the condition wants it. */
const OF_THE_OBJECT: ReadonlySet<string | undefined> = new Set([
  'NoSuchKey',
  'NotFound',
  'NoSuchUpload',
  'PreconditionFailed',
  'ConditionalRequestConflict',
  // An answer to HEAD has no body; nor have those of some servers.
  undefined,
])

export function s3Client(settings: S3Settings, send: typeof fetch, calls: CallCounters): S3Client {
  const keys = new Map<string, ArrayBuffer>()
  const signed = async (request: S3Request) => {
    const { method, headers = {}, body } = request
    const signer = new AwsV4Signer({
      method,
      url: urlOf(settings, request),
      headers: { ...headers, 'x-amz-content-sha256': hashOf(body) },
      accessKeyId: settings.accessKeyId,
      secretAccessKey: settings.secretAccessKey,
      service: 's3',
      region: settings.region,
      cache: keys,
    })
    const { url, headers: all } = await signer.sign()
    calls.count(method === 'GET' || method === 'HEAD' ? 's3.reads' : 's3.writes')
    return { url, init: { method, headers: all, redirect: 'manual' as const } }
  }
  const withAnswer = async <T>(request: S3Request, use: (answer: Response) => Promise<T>): Promise<T> => {
    const { url, init } = await signed(request)
    return withDeadline(request.slow ? COMPLETION_MS : ANSWER_MS, async (signal) => {
      const answer = await reached(send(url, { ...init, body: request.body as BodyInit | undefined, signal }))
      return use(await accepted(answer, request))
    }).catch(asAway)
  }
  return {
    ask: (request) => withAnswer(request, async (answer) => answer),
    askText: (request) =>
      withAnswer(request, async (answer) => ({ status: answer.status, text: await shortText(answer) })),
  }
}

/** Virtual hosts put the bucket before the host; the path style is what most servers of one's own know. */
function urlOf({ endpoint, bucket, pathStyle }: S3Settings, { key, query = {} }: S3Request): string {
  const url = new URL(endpoint)
  const root = url.pathname.replace(/\/+$/, '')
  if (!pathStyle) url.host = `${bucket}.${url.host}`
  const path = (key ?? '').split('/').map(encodeURIComponent).join('/')
  url.pathname = pathStyle ? `${root}/${bucket}${key === undefined ? '' : `/${path}`}` : `${root}/${path}`
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return url.href
}

function hashOf(body: Uint8Array | string | undefined): string {
  return createHash('sha256')
    .update(body ?? '')
    .digest('hex')
}

/** The errors of a connection may quote addresses. */
async function reached(asked: Promise<Response>): Promise<Response> {
  try {
    return await asked
  } catch (error) {
    return asAway(error)
  }
}

function asAway(error: unknown): never {
  if (error instanceof StoreRefused || error instanceof StoreAway) throw error
  throw new StoreAway(error instanceof Error ? error.name : 'Unreachable')
}

async function accepted(answer: Response, { method }: S3Request): Promise<Response> {
  const { status } = answer
  if ((status >= 200 && status < 300) || status === 304) return answer
  const code = method === 'HEAD' ? undefined : errorCodeIn(await shortText(answer).catch(() => ''))
  if (method === 'HEAD') await answer.body?.cancel()
  if ([404, 409, 412].includes(status) && OF_THE_OBJECT.has(code)) return new Response(null, { status })
  // "Reduce your request rate" and its like.
  if (status >= 500 || status === 429) throw new StoreAway(code ?? `HTTP_${status}`)
  throw new StoreRefused(code ?? `HTTP_${status}`)
}

async function shortText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of answer.body ?? []) {
    length += chunk.byteLength
    if (length > MOST_XML_BYTES) throw new StoreRefused('AnswerTooLong')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
