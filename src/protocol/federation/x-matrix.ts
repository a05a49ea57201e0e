/** How servers sign their requests: the Authorization header X-Matrix. Server-Server API §Request authentication. */
import { MatrixError } from '../errors.ts'
import { canonicalJson } from '../events/canonical-json.ts'
import { isKeyId, type SigningKey, verifyText } from '../events/signing.ts'
import { isServerName } from '../identifiers.ts'

/** What a request's signature covers, beside the name of the server that sends it. */
export interface SignedRequest {
  method: string
  /** The path and the query as they are on the wire. */
  uri: string
  destination: string
  /** The body as canonical JSON; left out where the request has none. */
  content?: string | undefined
}

/** One signature of a request, as its header says it. */
export interface RequestSignature {
  origin: string
  /** Servers that are older than version 1.3 of the specification leave it out. */
  destination?: string
  keyId: string
  signature: string
}

const MAX_HEADER_LENGTH = 8_192
/** A server signs with each of its keys that it uses now, which are one or two. */
const MAX_SIGNATURES = 5

const SCHEME = /X-Matrix[ \t]+(?!=)/iy
/** Older servers leave out the quotation marks, also around values with colons. */
const PARAMETER = /([!#$%&'*+\-.^_`|~A-Za-z0-9]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))[ \t]*/y
/** RFC 9110 §5.6.1: empty elements of a list are passed over. */
const COMMA = /(?:,[ \t]*)+/y

/**
 * Reads the header. Several headers come as one, with commas between them, and must be of one server. Signatures by
 * algorithms that are not known are passed over.
 * @throws MatrixError M_UNAUTHORIZED saying what is wrong
 */
export function parseXMatrix(header: string): RequestSignature[] {
  if (header.length > MAX_HEADER_LENGTH) throw malformed('it is too long')
  const reader = new Reader(header)
  if (reader.read(SCHEME) === undefined) throw malformed('its scheme must be X-Matrix')
  const found = [signatureIn(reader)]
  while (!reader.isAtEnd) {
    if (reader.read(SCHEME) === undefined) throw malformed('it is no list of name="value"')
    if (found.push(signatureIn(reader)) > MAX_SIGNATURES) throw malformed('it has too many signatures')
  }
  const [first] = found
  const differs = found.some(
    ({ origin, destination }) => origin !== first?.origin || destination !== first?.destination,
  )
  if (differs) throw malformed('its signatures are of different servers')
  const known = found.filter(({ keyId }) => isKeyId(keyId))
  if (known.length === 0) throw malformed('key must be the id of an ed25519 key')
  return known
}

/** The header with the signature of this server. */
export function makeXMatrix(origin: string, request: SignedRequest, key: SigningKey): string {
  const signature = key.sign(requestJson(origin, request))
  const { destination } = request
  return `X-Matrix origin="${origin}",destination="${destination}",key="${key.id}",sig="${signature}"`
}

/**
 * Whether the request carries this signature, made by this key. `request.destination` is the server's own name: a
 * signature for another server is none.
 */
export function isRequestSigned(
  request: SignedRequest,
  { origin, destination, signature }: RequestSignature,
  publicKey: string,
): boolean {
  if (destination !== undefined && destination !== request.destination) return false
  return verifyText(requestJson(origin, request), signature, publicKey)
}

/** Canonical JSON, in which the body stands as it is: its numbers may be such as only old room versions have. */
function requestJson(origin: string, { method, uri, destination, content }: SignedRequest): string {
  const rest = canonicalJson({ destination, method, origin, uri })
  return content === undefined ? rest : `{"content":${content},${rest.slice(1)}`
}

function signatureIn(reader: Reader): RequestSignature {
  const parameters = new Map<string, string>()
  for (let match = reader.read(PARAMETER); match !== undefined; match = reader.read(PARAMETER)) {
    const name = (match[1] ?? '').toLowerCase()
    if (parameters.has(name)) throw malformed(`${name} stands in it twice`)
    parameters.set(name, match[2]?.replace(/\\(.)/g, '$1') ?? match[3] ?? '')
    if (reader.read(COMMA) === undefined) break
  }
  const wanted = (name: string): string => {
    const value = parameters.get(name)
    if (value === undefined) throw malformed(`${name} is missing`)
    return value
  }
  const origin = wanted('origin')
  const keyId = wanted('key')
  const signature = wanted('sig')
  const destination = parameters.get('destination')
  if (!isServerName(origin)) throw malformed('origin must be a server name')
  if (destination !== undefined && !isServerName(destination)) {
    throw malformed('destination must be a server name')
  }
  return destination === undefined ? { origin, keyId, signature } : { origin, destination, keyId, signature }
}

function malformed(reason: string): MatrixError {
  return new MatrixError('M_UNAUTHORIZED', `The Authorization header is malformed: ${reason}`)
}

/** A text and how far it has been read. */
class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text.trim()
  }

  get isAtEnd(): boolean {
    return this.#at === this.#text.length
  }

  read(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.#at
    const match = sticky.exec(this.#text)
    if (match === null) return undefined
    this.#at = sticky.lastIndex
    return match
  }
}
