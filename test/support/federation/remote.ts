/** Another server, of the test's own: a name, a key, TLS, and answers as it is bidden. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { encodeBase64 } from '../../../src/protocol/base64.ts'
import { canonicalJson, type JsonObject } from '../../../src/protocol/events/canonical-json.ts'
import { type SigningKey, signingKey, signJson } from '../../../src/protocol/events/signing.ts'
import { makeXMatrix } from '../../../src/protocol/federation/x-matrix.ts'
import type { Answer, Api, Body } from '../client.ts'
import { makeCertificate } from '../deployment/certificates.ts'

export interface Received {
  method: string
  uri: string
  headers: IncomingMessage['headers']
  text: string
  body: Body
}

/** What it answers a request with. `never` holds it open; `cut` begins, and closes the connection. */
export type Reply =
  | { status?: number; body?: Body; raw?: string | Uint8Array; headers?: Record<string, string> }
  | 'never'
  | 'endless'
  | 'cut'

type Handler = (request: Received) => Reply | Promise<Reply>

export interface Remote {
  /** Its name, once the tests run: an address with a port. */
  readonly name: string
  readonly key: SigningKey
  /** Every request that came, oldest first. */
  readonly received: Received[]
  /** Answers the paths that begin so; what was said last counts. */
  on(method: string, path: string, handler: Handler): void
  /** The body that it tells its keys by. */
  serverKeys(more?: JsonObject): JsonObject
  /** A request to the server under test, signed; `as` changes what the signature says. */
  ask(http: Api, method: string, uri: string, content?: Body, as?: Partial<SignedAs>): Promise<Answer>
  /** Takes it off the network, and back. */
  stop(): Promise<void>
  start(): Promise<void>
}

export interface SignedAs {
  origin: string
  destination: string
  key: SigningKey
  /** What is signed in place of what is sent. */
  content: Body
  uri: string
  method: string
}

export const newKey = (id: string): SigningKey => signingKey(id, encodeBase64(randomBytes(32)))

const folder = mkdtempSync(join(tmpdir(), 'selvedge-remote-'))
/** The certificate of all remotes of this file. */
export const remoteCertificate = makeCertificate(folder, 30)
const certificate = remoteCertificate
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

/** The certificate of all remotes of this file, for `--ca`. */
export const remoteCa = certificate.cert

/** Options of the server under test, to reach remotes. */
export const federating = {
  federation: 'on',
  'allow-private-networks': 'on',
  ca: remoteCa,
} as const

/** A remote for one test file: there before its first test, gone after its last. Call it before `serving`. */
export function remote(): Remote {
  const made = newRemote()
  beforeAll(() => made.start())
  afterAll(() => made.stop())
  return made
}

/** The same, started and stopped by the test. */
export function newRemote(): Remote {
  const key = newKey('ed25519:r_1')
  const received: Received[] = []
  const handlers: { method: string; path: string; handler: Handler }[] = []
  let port = 0
  let server: Server | undefined
  const self: Remote = {
    get name() {
      if (port === 0) throw new Error('The remote has not started')
      return `127.0.0.1:${port}`
    },
    key,
    received,
    on(method, path, handler) {
      handlers.unshift({ method, path, handler })
    },
    serverKeys: (more = {}) =>
      signJson(
        {
          server_name: self.name,
          valid_until_ts: Date.now() + 3_600_000,
          verify_keys: { [key.id]: { key: key.publicKey } },
          old_verify_keys: {},
          ...more,
        },
        self.name,
        key,
      ),
    ask(http, method, uri, content, as = {}) {
      const signedContent = 'content' in as ? as.content : content
      const header = makeXMatrix(
        as.origin ?? self.name,
        {
          method: as.method ?? method,
          uri: as.uri ?? uri,
          destination: as.destination ?? 'test.example',
          content: signedContent === undefined ? undefined : canonicalJson(signedContent, 'any'),
        },
        as.key ?? key,
      )
      return http.request(method, uri, content, { headers: { authorization: header } })
    },
    async start() {
      const made = createServer({ key: readFileSync(certificate.key), cert: readFileSync(certificate.cert) })
      made.on('request', (request, response) => void answer(request, response))
      await new Promise<void>((resolve) => made.listen(port, '127.0.0.1', resolve))
      port = (made.address() as AddressInfo).port
      server = made
    },
    async stop() {
      const stopping = server
      server = undefined
      if (stopping === undefined) return
      stopping.closeAllConnections()
      await new Promise((resolve) => stopping.close(resolve))
    },
  }
  self.on('GET', '/_matrix/key/v2/server', () => ({ body: self.serverKeys() }))

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    try {
      for await (const chunk of request) text += chunk
    } catch {
      return
    }
    const { method = '', url: uri = '', headers } = request
    const came: Received = { method, uri, headers, text, body: text === '' ? undefined : JSON.parse(text) }
    received.push(came)
    const found = handlers.find((one) => one.method === method && uri.startsWith(one.path))
    const reply = found === undefined ? unknownPath : await found.handler(came)
    if (reply === 'never') return
    if (reply === 'endless') {
      endless(response)
      return
    }
    if (reply === 'cut') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100000' })
      response.write('{"a":', () => response.destroy())
      return
    }
    const { status = 200, body = {}, raw, headers: more } = reply
    response.writeHead(status, { 'content-type': 'application/json', ...more })
    response.end(raw ?? JSON.stringify(body))
  }
  return self
}

const unknownPath: Reply = { status: 404, body: { errcode: 'M_UNRECOGNIZED', error: 'Unknown path' } }

function endless(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' })
  const write = () => {
    while (!response.destroyed && response.write(' '.repeat(65_536)));
  }
  response.on('drain', write)
  response.on('error', () => undefined)
  write()
}
