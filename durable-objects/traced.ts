/** Calls of objects that belong to a trace: its place goes with the call, and what was timed comes back with the answer. */
import type { Attributes, Span, TraceContext } from '../src/ports/traces.ts'
import { systemClock, systemRandom } from '../src/system.ts'
import { asCommit, onward, Trace } from '../src/tracing/trace.ts'
import type { RpcResult } from './rpc.ts'

/** The method of an object by which its others are called within a trace. */
export const TRACED = 'traced'
/** In the query, which is read anyway: a look at headers costs each poll. */
const CONTEXT = '&trace='
/** What all addresses of requests to objects begin with. */
const ORIGIN = 'https://object/'
const ASKED = '?request='
const SPANS_HEADER = 'x-trace-spans'
/** Of the spans that an answer over HTTP has in a header. */
const MOST_IN_HEADER = 64
const FAILED = 500

interface Traced {
  answer: unknown
  spans: Span[]
}

type Method = (...args: unknown[]) => unknown

/** Asks an object, within the trace that this runs in. */
export function askTraced(object: object, method: string, args: unknown[]): unknown {
  const methods = object as Record<string, Method>
  const further = onward()
  return further === undefined ? methods[method]!(...args) : askWithin(further, methods, method, args)
}

async function askWithin(
  { context, adopt }: NonNullable<ReturnType<typeof onward>>,
  methods: Record<string, Method>,
  method: string,
  args: unknown[],
): Promise<unknown> {
  let traced: Traced
  try {
    traced = (await methods[TRACED]!(context, method, args)) as Traced
  } catch (error) {
    // An object of the version before this one, during a deployment.
    if (!isUnknownMethod(error)) throw error
    return methods[method]!(...args)
  }
  adopt(traced.spans)
  return traced.answer
}

const isUnknownMethod = (error: unknown) =>
  error instanceof TypeError && error.message.includes('does not implement the method')

export type ObjectKind = 'room' | 'user' | 'partition' | 'destination'

/** How a call is called in traces, by who asks and by who answers. */
export const operationOf = (kind: ObjectKind, method: string) => ({
  name: `${kind}.${method}`,
  attributes: { 'rpc.service': kind, 'rpc.method': method },
})

/** @param stored answers once what was written is on the disk: an answer is held back for as long anyway */
export async function answerTraced(
  context: TraceContext,
  operation: { name: string; attributes: Attributes },
  work: () => unknown,
  stored: () => Promise<void>,
): Promise<Traced> {
  const trace = new Trace(systemClock, systemRandom, context)
  const answer = await trace.run(async () => {
    const value = await work()
    if (trace.hasWritten) await asCommit(stored)
    return value
  })
  const { code, failed } = outcomeOf(answer)
  const attributes = { ...operation.attributes, ...(code !== undefined && { 'error.type': code }) }
  return { answer, spans: trace.end(operation.name, attributes, failed) }
}

function outcomeOf(answer: unknown): { code?: string; failed: boolean } {
  if (answer instanceof Response) return { failed: answer.status >= FAILED }
  const result = answer as RpcResult<unknown>
  return result.ok
    ? { failed: false }
    : { code: result.error.errcode, failed: (result.error.status ?? 0) >= FAILED }
}

/** The address of a request to an object: the method, what is asked, and the trace that this runs in. */
export function addressOf(method: string, request: unknown): string {
  const address = `${ORIGIN}${method}${ASKED}${encodeURIComponent(JSON.stringify(request))}`
  const further = onward()
  return further === undefined
    ? address
    : `${address}${CONTEXT}${encodeURIComponent(JSON.stringify(further.context))}`
}

/** What `addressOf` wrote. A URL costs each poll more than all that is read here. */
function readAddress(address: string): { method: string; asked: string; context: string | undefined } {
  const query = address.indexOf(ASKED)
  const [asked = '', context] = address.slice(query + ASKED.length).split(CONTEXT)
  return {
    method: address.slice(ORIGIN.length, query),
    asked: decodeURIComponent(asked),
    context: context && decodeURIComponent(context),
  }
}

/** Takes the spans out of an object's answer, whose headers a client may get to see. */
export function adoptFrom(response: Response): Response {
  const further = onward()
  const spans = further && response.headers.get(SPANS_HEADER)
  if (!spans) return response
  further.adopt(JSON.parse(spans) as Span[])
  if ((response as { webSocket?: WebSocket | null }).webSocket) return response
  const plain = new Response(response.body, response)
  plain.headers.delete(SPANS_HEADER)
  return plain
}

/** Answers a request to an object, which names a method and what is asked, within the trace that it belongs to. */
export async function answerRequest(
  { url }: Request,
  kind: ObjectKind,
  work: (method: string, asked: unknown) => Promise<Response>,
  stored: () => Promise<void>,
): Promise<Response> {
  const { method, asked, context } = readAddress(url)
  const answer = () => work(method, JSON.parse(asked))
  if (context === undefined) return answer()
  const traced = await answerTraced(
    JSON.parse(context) as TraceContext,
    operationOf(kind, method),
    answer,
    stored,
  )
  const response = traced.answer as Response
  response.headers.set(SPANS_HEADER, JSON.stringify(traced.spans.slice(0, MOST_IN_HEADER)))
  return response
}
