/** What is asked of a Kubo, by its RPC API: https://docs.ipfs.tech/reference/kubo/rpc/. */
import * as z from 'zod'
import type { IpfsSettings } from '../../../ports/config.ts'
import type { ByteRange } from '../../../ports/media.ts'
import type { CallCounters } from '../../../ports/system.ts'
import { withDeadline } from '../../deadline.ts'
import type { Pinned } from '../../postgres/ipfs-objects.ts'
import { StoreAway, StoreRefused } from '../failures.ts'
import { inPace, pump, sending, streamOfParts } from '../pace.ts'

/** How long Kubo may take until it answers, ms. */
const ANSWER_MS = 15_000
/** Answers that are read as text are a few lines. */
const MOST_TEXT_BYTES = 64 * 1024
const CID = /^[A-Za-z0-9]{20,128}$/

export interface Kubo {
  version(): Promise<string>
  /**
   * Adds a file and pins it, in a folder of its own.
   * @param length bytes; undefined: nobody knows yet
   */
  add(body: ReadableStream<Uint8Array>, length: number | undefined): Promise<Pinned>
  /** The bytes of a file that is here. */
  cat(cid: string, range: ByteRange): Promise<ReadableStream<Uint8Array>>
  /** Lets a pin go; one that is not there is gone already. */
  unpin(pin: string): Promise<void>
}

const Added = z.object({ Name: z.string(), Hash: z.string().regex(CID) })
const Failure = z.object({ Message: z.string() })

export function kuboAt({ api, authorization }: IpfsSettings, send: typeof fetch, calls: CallCounters): Kubo {
  const root = api.replace(/\/+$/, '')
  const request = async (command: string, query: Record<string, string>, init: RequestInit) => {
    calls.count('ipfs')
    const headers = new Headers(init.headers)
    if (authorization !== undefined) headers.set('authorization', authorization)
    const url = `${root}/api/v0/${command}?${new URLSearchParams(query)}`
    const answer = await send(url, { ...init, method: 'POST', headers, redirect: 'manual' }).catch(asAway)
    if (answer.status === 200) return answer
    throw await failureOf(answer)
  }
  const inTime = <T>(work: (signal: AbortSignal) => Promise<T>) => withDeadline(ANSWER_MS, work).catch(asAway)
  return {
    version: () =>
      inTime(async (signal) => {
        const text = await shortText(await request('version', {}, { signal }))
        return z.object({ Version: z.string() }).parse(JSON.parse(text)).Version
      }),
    add: (body, length) => add(request, body, length),
    async cat(cid, { offset, length }) {
      // What is not here is not looked for at strangers: all that we have named is pinned.
      const query = { arg: cid, offset: String(offset), length: String(length), offline: 'true' }
      const answer = await inTime((signal) => request('cat', query, { signal }))
      // Kubo says in a trailer, which nobody can read here, that it broke off.
      return inPace(answer.body, length)
    },
    async unpin(pin) {
      await inTime((signal) => request('pin/rm', { arg: pin, offline: 'true' }, { signal })).catch(
        (error) => {
          if (!(error instanceof NotPinned)) throw error
        },
      )
    },
  }
}

type Request = (command: string, query: Record<string, string>, init: RequestInit) => Promise<Response>

async function add(
  request: Request,
  body: ReadableStream<Uint8Array>,
  length: number | undefined,
): Promise<Pinned> {
  const name = crypto.randomUUID()
  const { contentType, before, after } = envelope(name)
  const sized = sending(length === undefined ? undefined : before.byteLength + length + after.byteLength)
  const stop = new AbortController()
  const whole = enveloped(before, body, after)
  const { sent, end } = pump(whole, sized.writable, (reason) => stop.abort(reason))
  // The folder has a name of this upload alone in it, so that its hash is another one than that of the same bytes elsewhere.
  const query = { 'wrap-with-directory': 'true', 'cid-version': '1', 'raw-leaves': 'true', progress: 'false' }
  const init = { body: sized.readable, headers: { 'content-type': contentType }, signal: stop.signal }
  try {
    const answer = await request('add', { ...query, pin: 'true' }, { ...init, duplex: 'half' } as RequestInit)
    const [text] = await Promise.all([shortText(answer), sent])
    return addedOf(text, name)
  } catch (error) {
    return asAway(error)
  } finally {
    end()
    stop.abort(new StoreAway('Answered'))
  }
}

/** A form with one file in it. */
function envelope(name: string) {
  const head = `--${name}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: application/octet-stream\r\n\r\n`
  const encoder = new TextEncoder()
  return {
    contentType: `multipart/form-data; boundary=${name}`,
    before: encoder.encode(head),
    after: encoder.encode(`\r\n--${name}--\r\n`),
  }
}

function enveloped(
  before: Uint8Array,
  body: ReadableStream<Uint8Array>,
  after: Uint8Array,
): ReadableStream<Uint8Array> {
  const parts = (async function* () {
    yield before
    yield* body
    yield after
  })()
  return streamOfParts(parts)
}

/** A line for the file, then one for its folder. */
function addedOf(text: string, name: string): Pinned {
  const lines = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => Added.parse(JSON.parse(line)))
  const file = lines.find(({ Name }) => Name === name || Name.endsWith(`/${name}`))
  const folder = lines.find(({ Name }) => Name === '')
  if (file === undefined || folder === undefined) throw new StoreAway('NotAdded')
  return { cid: file.Hash, pin: folder.Hash }
}

class NotPinned extends Error {
  override readonly name = 'NotPinned'
}

async function failureOf(answer: Response): Promise<Error> {
  const text = await shortText(answer).catch(() => '')
  if (answer.status === 401 || answer.status === 403) return new StoreRefused(`HTTP_${answer.status}`)
  // No RPC API is there, or another version of it.
  if (answer.status !== 500) return new StoreRefused(`HTTP_${answer.status}`)
  return messageIn(text).includes('not pinned') ? new NotPinned() : new StoreAway('HTTP_500')
}

function messageIn(text: string): string {
  try {
    return Failure.parse(JSON.parse(text)).Message
  } catch {
    return ''
  }
}

async function shortText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of answer.body ?? []) {
    length += chunk.byteLength
    if (length > MOST_TEXT_BYTES) throw new StoreRefused('AnswerTooLong')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** The errors of a connection may quote addresses. */
function asAway(error: unknown): never {
  if (error instanceof StoreRefused || error instanceof StoreAway || error instanceof NotPinned) throw error
  throw new StoreAway(error instanceof Error ? error.name : 'Unreachable')
}
