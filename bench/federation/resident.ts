/** Another server, of the bench's own: it has rooms, lets users of the measured servers in, and speaks by transactions. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Agent, createServer, request, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { encodeBase64 } from '../../src/protocol/base64.ts'
import { canonicalJson, type JsonObject } from '../../src/protocol/events/canonical-json.ts'
import { type SigningKey, signingKey, signJson } from '../../src/protocol/events/signing.ts'
import { makeXMatrix } from '../../src/protocol/federation/x-matrix.ts'
import type { Certificate } from '../../test/support/deployment/certificates.ts'

export interface Asked {
  method: string
  /** Without its escapes: servers escape more or less. */
  path: string
  query: URLSearchParams
  body: JsonObject
}

/** Answers with JSON text; undefined: not found. */
export type Handler = (asked: Asked) => string | undefined

const KEYS_VALID_MS = 86_400_000

export class Resident {
  readonly key: SigningKey = signingKey('ed25519:bench', encodeBase64(randomBytes(32)))
  readonly #certificate: Certificate
  readonly #handlers: { method: string; start: string; handler: Handler }[] = []
  readonly #agent: Agent
  #server: Server | undefined
  #port = 0

  constructor(certificate: Certificate) {
    this.#certificate = certificate
    this.#agent = new Agent({ ca: readFileSync(certificate.cert), keepAlive: true, maxSockets: 8 })
    this.on('GET', '/_matrix/key/v2/server', () => JSON.stringify(this.#keys()))
  }

  get name(): string {
    return `127.0.0.1:${this.#port}`
  }

  /** Answers paths that begin so; what was said last counts. */
  on(method: string, start: string, handler: Handler): void {
    this.#handlers.unshift({ method, start: decodeURIComponent(start), handler })
  }

  async start(): Promise<void> {
    const { key, cert } = this.#certificate
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) })
    server.on('request', (asked, answer) => void this.#answer(asked, answer))
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve))
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  /** Takes it off the network; `start` brings it back under its name. */
  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    if (server === undefined) return
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }

  close(): Promise<void> {
    this.#agent.destroy()
    return this.stop()
  }

  /** A signed request to a server by its name. @throws Error where the answer is no success */
  async ask<T>(destination: string, method: string, uri: string, body?: JsonObject): Promise<T> {
    const content = body && canonicalJson(body)
    const authorization = makeXMatrix(this.name, { method, uri, destination, content }, this.key)
    const { status, text } = await this.#request(destination, method, uri, { authorization, content })
    if (status !== 200) throw new Error(`${method} ${uri.slice(0, 120)}: ${status} ${text.slice(0, 300)}`)
    return JSON.parse(text) as T
  }

  #request(
    destination: string,
    method: string,
    path: string,
    { authorization, content }: { authorization: string; content: string | undefined },
  ): Promise<{ status: number; text: string }> {
    const [host, port] = destination.split(':')
    const type = content === undefined ? {} : { 'content-type': 'application/json' }
    return new Promise((resolve, reject) => {
      const sent = request(
        { host, port, method, path, agent: this.#agent, headers: { authorization, ...type } },
        (answer) => {
          textOf(answer).then((text) => resolve({ status: answer.statusCode ?? 0, text }), reject)
        },
      )
      sent.on('error', reject)
      sent.end(content)
    })
  }

  async #answer(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const text = await textOf(asked).catch(() => undefined)
    if (text === undefined) return
    const { pathname, searchParams } = new URL(asked.url ?? '/', 'https://resident')
    const method = asked.method ?? 'GET'
    const path = decodeURIComponent(pathname)
    const found = this.#handlers.find((one) => one.method === method && path.startsWith(one.start))
    const body = text === '' ? {} : (JSON.parse(text) as JsonObject)
    const said = found?.handler({ method, path, query: searchParams, body })
    answer.writeHead(said === undefined ? 404 : 200, { 'content-type': 'application/json' })
    answer.end(said ?? '{"errcode":"M_NOT_FOUND","error":"Not here"}')
  }

  #keys(): JsonObject {
    const told = {
      server_name: this.name,
      valid_until_ts: Date.now() + KEYS_VALID_MS,
      verify_keys: { [this.key.id]: { key: this.key.publicKey } },
      old_verify_keys: {},
    }
    return signJson(told, this.name, this.key)
  }
}

async function textOf(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of message) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
