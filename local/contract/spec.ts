/** Reads the official OpenAPI documents of the Client-Server API into one value that workers load quickly. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { Json, JsonRecord } from './json.ts'
import { SCHEMA_BUGS } from './schema-bugs.ts'

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required: boolean
  schema: JsonRecord
}

export interface Operation {
  /** Method and path template, such as `GET /_matrix/client/v3/sync`. */
  id: string
  method: string
  path: string
  /** The chapter of the specification it belongs to. */
  area: string
  deprecated: boolean
  needsToken: boolean
  parameters: Parameter[]
  /** The JSON schema of the request's body, where it takes JSON. */
  body?: { required: boolean; schema: string }
  /** Where the JSON schema of the answer stands, by status; null where the answer is no JSON. */
  answers: Record<string, string | null>
}

export interface Spec {
  operations: Operation[]
  /** All documents that the operations refer to, by their URI. */
  documents: Record<string, JsonRecord>
}

/** A scheme of our own: documents refer to each other by relative paths, which we make absolute. */
const BASE = 'matrix://spec/'
const FOLDER = 'api/client-server'
const METHODS = ['get', 'put', 'post', 'delete']

/** @param folder holds `api/client-server/*.yaml` and what they refer to */
export function loadSpec(folder: string): Spec {
  const documents: Spec['documents'] = {}
  const files = readdirSync(join(folder, FOLDER)).filter((name) => name.endsWith('.yaml'))
  for (const name of files) loadDocument(folder, `${BASE}${FOLDER}/${name}`, documents)
  mendSchemas(documents)
  const operations = files.flatMap((name) => operationsOf(`${BASE}${FOLDER}/${name}`, documents))
  const sorted = operations.sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1))
  return { operations: withoutTwins(sorted), documents }
}

/** A second form of an operation stands in the documents under the same path with a blank behind it. */
function withoutTwins(operations: Operation[]): Operation[] {
  return operations.filter((operation) => {
    const twin = operations.find(({ id }) => id === operation.id.trim() && operation.id !== id)
    if (twin !== undefined) twin.answers = { ...operation.answers, ...twin.answers }
    return twin === undefined
  })
}

const sortKey = ({ area, path, method }: Operation) => `${area} ${path} ${method}`

/** Reads a document, and those that it refers to. */
function loadDocument(folder: string, uri: string, documents: Spec['documents']): void {
  if (uri in documents) return
  const text = readFileSync(join(folder, decodeURIComponent(uri.slice(BASE.length))), 'utf8')
  const document = withoutProse(parse(text)) as JsonRecord
  documents[uri] = document
  for (const reference of absoluteReferences(document, uri)) {
    loadDocument(folder, reference.split('#')[0] ?? '', documents)
  }
}

const PROSE = new Set(['description', 'summary', 'title', 'example', 'examples', 'externalDocs'])

/** Drops what explains and decides nothing; a property may well be named `description`. */
function withoutProse(value: Json, isProperties = false): Json {
  if (Array.isArray(value)) return value.map((entry) => withoutProse(entry))
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([key]) => isProperties || !PROSE.has(key))
  return Object.fromEntries(kept.map(([key, entry]) => [key, withoutProse(entry, key === 'properties')]))
}

/** Makes the references in a document absolute, and lists them. */
function absoluteReferences(value: Json, uri: string): string[] {
  if (Array.isArray(value)) return value.flatMap((entry) => absoluteReferences(entry, uri))
  if (typeof value !== 'object' || value === null) return []
  const inner = Object.values(value).flatMap((entry) => absoluteReferences(entry, uri))
  if (typeof value.$ref !== 'string') return inner
  value.$ref = new URL(value.$ref.trim(), uri).href
  return [value.$ref, ...inner]
}

/** @throws Error where a bug is mended that is no longer there */
function mendSchemas(documents: Spec['documents']): void {
  for (const { document, at, key, rename, value } of SCHEMA_BUGS) {
    const parent = pointedAt(documents[`${BASE}${FOLDER}/${document}`], at) as JsonRecord | undefined
    const wrong = parent?.[key]
    if (parent === undefined || wrong === undefined) {
      throw new Error(`The schema bug at ${document}#${at}/${key} is gone: take it off the list`)
    }
    delete parent[key]
    if (rename !== undefined) parent[rename] = wrong
    if (value !== undefined) parent[key] = value
  }
}

/** The value a JSON pointer names. */
function pointedAt(value: Json | undefined, pointer: string): Json | undefined {
  let found = value
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    found = (found as JsonRecord | undefined)?.[key]
  }
  return found
}

interface Located {
  uri: string
  value: JsonRecord
}

/** Follows a reference to where the value really stands. */
function located(uri: string, documents: Spec['documents']): Located {
  const [document = '', pointer = ''] = uri.split('#')
  const value = pointedAt(documents[document], decodeURIComponent(pointer)) as JsonRecord | undefined
  if (value === undefined) throw new Error(`The specification refers to nothing: ${uri}`)
  if (typeof value.$ref !== 'string') return { uri, value }
  return located(value.$ref, documents)
}

const pointerPart = (key: string) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))
const below = (uri: string, ...keys: string[]) =>
  `${uri}${uri.includes('#') ? '' : '#'}${keys.map((key) => `/${pointerPart(key)}`).join('')}`

function operationsOf(uri: string, documents: Spec['documents']): Operation[] {
  const document = documents[uri]!
  const servers = document.servers as { variables: { basePath: { default: string } } }[]
  const base = servers[0]!.variables.basePath.default
  return Object.entries(document.paths as Record<string, JsonRecord>).flatMap(([path, item]) =>
    METHODS.filter((method) => method in item).map((method) =>
      operationAt(below(uri, 'paths', path, method), { method, path: base + path, documents }),
    ),
  )
}

interface Place {
  method: string
  path: string
  documents: Spec['documents']
}

function operationAt(uri: string, { method, path, documents }: Place): Operation {
  const { value } = located(uri, documents)
  const parameters = ((value.parameters ?? []) as JsonRecord[]).map((_, index) => {
    const parameter = located(below(uri, 'parameters', String(index)), documents).value
    return { required: false, schema: {}, ...parameter } as unknown as Parameter
  })
  const answers = Object.keys((value.responses ?? {}) as JsonRecord).map((status) => {
    const answer = located(below(uri, 'responses', status), documents)
    return [status, jsonSchema(answer)] as const
  })
  const name = method.toUpperCase()
  return {
    id: `${name} ${path}`,
    method: name,
    path,
    area: (value.tags as string[] | undefined)?.[0] ?? 'Other',
    deprecated: value.deprecated === true,
    needsToken: needsToken((value.security ?? []) as JsonRecord[]),
    parameters,
    body: bodyOf(uri, value, documents),
    answers: Object.fromEntries(answers),
  }
}

/** An empty requirement among others stands for none; what is no token is for other servers. */
const needsToken = (security: JsonRecord[]) =>
  security.length > 0 &&
  security.every((requirement) => Object.keys(requirement).some((name) => name.endsWith('okenBearer')))

function bodyOf(uri: string, operation: JsonRecord, documents: Spec['documents']): Operation['body'] {
  if (operation.requestBody === undefined) return undefined
  const body = located(below(uri, 'requestBody'), documents)
  const schema = jsonSchema(body)
  return schema === null ? undefined : { required: body.value.required === true, schema }
}

/** Where the schema of the JSON form of a body stands. */
function jsonSchema({ uri, value }: Located): string | null {
  const types = (value.content ?? {}) as Record<string, JsonRecord>
  if (types['application/json']?.schema === undefined) return null
  return below(uri, 'content', 'application/json', 'schema')
}

/** The schema behind a URI, references followed: for those who make values and not for those who judge them. */
export function schemaAt(spec: Spec, uri: string): { uri: string; schema: JsonRecord } {
  const { uri: where, value } = located(uri, spec.documents)
  return { uri: where, schema: value }
}
