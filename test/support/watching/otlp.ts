/** A small collector of traces, which reads what comes by the protocol's own schema. */
import { createRequire } from 'node:module'
import type { Body } from '../client.ts'
import { listening } from '../listening.ts'

interface MessageType {
  verify(message: object): string | null
  fromObject(object: object): object
  encode(message: object): { finish(): Uint8Array }
  decode(bytes: Uint8Array): object
  toObject(message: object, options: object): Body
}

/** Made of the protocol's published files by OpenTelemetry itself. */
const { opentelemetry } = createRequire(import.meta.url)(
  '@opentelemetry/otlp-transformer/build/src/generated/root.js',
) as { opentelemetry: Body }
const ExportTraceServiceRequest: MessageType =
  opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest

const IDS = ['traceId', 'spanId', 'parentSpanId']

/** Ids are hexadecimal in OTLP's JSON; elsewhere protobuf's JSON has base64. */
function withBytes(json: string): Body {
  return JSON.parse(json, (key, value) => {
    if (!IDS.includes(key)) return value
    if (typeof value !== 'string' || !/^([0-9a-f]{2})+$/.test(value))
      throw new Error(`${key} is no hexadecimal id`)
    return Buffer.from(value, 'hex').toString('base64')
  })
}

/**
 * The request as the schema understands it.
 * @throws Error for a field that the schema does not know or has otherwise
 */
export function decodeTraces(json: string): Body {
  const given = withBytes(json)
  const message = ExportTraceServiceRequest.fromObject(given)
  const wrong = ExportTraceServiceRequest.verify(message)
  if (wrong !== null) throw new Error(wrong)
  const bytes = ExportTraceServiceRequest.encode(message).finish()
  const read = ExportTraceServiceRequest.toObject(ExportTraceServiceRequest.decode(bytes), {
    longs: String,
    enums: Number,
    bytes: String,
  })
  // A field that is unknown is left out without a word.
  const [was, is] = [sorted(given), sorted(read)].map((body) => JSON.stringify(body))
  if (was !== is) throw new Error(`the schema reads ${is} where ${was} was sent`)
  return read
}

function sorted(body: Body): Body {
  if (Array.isArray(body)) return body.map(sorted)
  if (typeof body !== 'object' || body === null) return body
  return Object.fromEntries(
    Object.entries(body)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [key, sorted(value)]),
  )
}

export interface CollectedSpan {
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
  kind: number
  failed: boolean
  /** In nanoseconds. */
  start: bigint
  end: bigint
  attributes: Record<string, unknown>
  resource: Record<string, unknown>
}

export interface Collector {
  url: () => string
  spans: readonly CollectedSpan[]
  /** Headers and lengths of the requests that came. */
  requests: readonly { path: string; headers: Record<string, unknown> }[]
  /** What is answered from now on. */
  answer: (status: number, body?: Body) => void
}

/** A collector for one test file: see `listening`. */
export function collector(): Collector {
  const spans: CollectedSpan[] = []
  const requests: { path: string; headers: Record<string, unknown> }[] = []
  let reply: { status: number; body: Body } = { status: 200, body: {} }
  const at = listening(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    requests.push({ path: String(request.url), headers: request.headers })
    if (reply.status === 200) spans.push(...spansOf(decodeTraces(text)))
    response.writeHead(reply.status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(reply.body))
  })
  return {
    url: () => at(''),
    spans,
    requests,
    answer: (status, body = {}) => {
      reply = { status, body }
    },
  }
}

function spansOf({ resourceSpans }: Body): CollectedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }: Body) =>
    scopeSpans.flatMap(({ spans }: Body) =>
      spans.map((span: Body) => ({
        name: span.name,
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        ...(span.parentSpanId !== undefined && { parentSpanId: hex(span.parentSpanId) }),
        kind: span.kind,
        failed: span.status.code === 2,
        start: BigInt(span.startTimeUnixNano),
        end: BigInt(span.endTimeUnixNano),
        attributes: valuesOf(span.attributes),
        resource: valuesOf(resource.attributes),
      })),
    ),
  )
}

function valuesOf(attributes: Body[]): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? value.boolValue ?? Number(value.intValue ?? value.doubleValue),
    ]),
  )
}

const hex = (base64: string) => Buffer.from(base64, 'base64').toString('hex')
