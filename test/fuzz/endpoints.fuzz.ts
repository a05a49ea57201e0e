/** Bad requests to every endpoint, made from the specification's schemas: FUZZ_REQUESTS of them, repeatable by FUZZ_SEED. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { judgeBy } from '../../local/contract/judge.ts'
import type { Operation, Spec } from '../../local/contract/spec.ts'
import { waitsFor } from '../contract/later.ts'
import { startServer, type TestServer } from '../support/server.ts'
import type { Expected } from './attack.ts'
import { ATTACKS } from './attacks.ts'
import { type Cast, gather, snapshot } from './cast.ts'
import { brokenInvariants, type Received } from './invariants.ts'
import { type Random, seeded } from './random.ts'
import { type Draft, draft, targetOf } from './request.ts'
import type { Maker } from './values.ts'

const contract = inject('contract')
const spec: Spec = contract
  ? JSON.parse(readFileSync(contract.spec, 'utf8'))
  : { operations: [], documents: {} }
const requests = Number(process.env.FUZZ_REQUESTS ?? 10_000)
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000)

/** How often the victim's things are compared: a change is then narrowed down by the seed. */
const SNAPSHOT_EVERY = 500
const MAX_FAULTS = 100

/** The attacker needs a new session after these. */
const ENDS_SESSION = new Set(['POST /_matrix/client/v3/logout', 'POST /_matrix/client/v3/logout/all'])

const wanted = spec.operations.filter(({ id }) => waitsFor(id) === undefined)
const judge = judgeBy(spec)
const faults = new Map<string, string>()
let server: TestServer
let cast: Cast

beforeAll(async () => {
  server = await startServer()
  cast = await gather(server)
})
afterAll(() => server?.stop())

describe.skipIf(contract === undefined)('bad requests', () => {
  it(`fail as they should, and change nothing of other users: seed ${seed}, ${requests} requests`, async () => {
    const served = await servedOf(wanted)
    console.log(`fuzz: ${requests} requests to ${served.length} endpoints, FUZZ_SEED=${seed}`)
    const before = await snapshot(cast)
    for (let index = 0; index < requests && faults.size < MAX_FAULTS; index += 1) {
      await attempt(index, served[index % served.length]!)
      if (index % SNAPSHOT_EVERY === SNAPSHOT_EVERY - 1) {
        expect(await snapshot(cast), `the victim's things after ${index + 1} requests`).toEqual(before)
      }
    }
    expect(await snapshot(cast), "the victim's things").toEqual(before)
    expect([...faults.values()].join('\n\n'), 'what was found').toBe('')
  })
})

/** The operations that the server knows; it is a fault if there are others. */
async function servedOf(operations: Operation[]): Promise<Operation[]> {
  const served: Operation[] = []
  for (const operation of operations) {
    const request = draft(operation, { spec, random: seeded(seed), cast })
    delete request.headers.authorization
    const received = await send(request)
    const isKnown = (received.body as { errcode?: string }).errcode !== 'M_UNRECOGNIZED'
    if (isKnown) served.push(operation)
    else note(['the server does not know it'], { index: -1, name: 'a first look', request, received })
  }
  return served
}

/** One request, whose randomness depends on nothing but the seed and its index. */
async function attempt(index: number, operation: Operation): Promise<void> {
  const random = seeded(seed * 1_000_003 + index)
  const maker: Maker = { spec, random, cast }
  const request = draft(operation, maker)
  const [name, expected] = attack(request, maker, random)
  const received = await send(request)
  const broken = brokenInvariants(received, request, { expected, judge })
  if (broken.length > 0) note(broken, { index, name, request, received })
  if (ENDS_SESSION.has(request.operation.id) && received.status === 200) {
    cast.attacker = await cast.http.login('attacker')
  }
}

function attack(request: Draft, maker: Maker, random: Random): [string, Expected] {
  for (;;) {
    const { name, apply } = random.pick(ATTACKS)
    const expected = apply(request, maker)
    if (expected !== undefined) return [name, expected]
  }
}

const TRIES = 6

/** Who refuses a body that is too large answers before it has come: the connection may break with the answer in it. */
async function reach(ask: () => Promise<Response>): Promise<Response> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask()
    } catch (error) {
      if (tries === TRIES) throw error
    }
  }
}

async function send(request: Draft): Promise<Received> {
  const { method, headers, body } = request
  const started = performance.now()
  const answer = await reach(() =>
    fetch(server.url + targetOf(request), {
      method,
      headers,
      body: method === 'GET' ? undefined : (body as BodyInit | undefined),
      redirect: 'manual',
    }),
  )
  const text = await answer.text()
  return {
    status: answer.status,
    headers: answer.headers,
    body: parsed(text),
    ms: performance.now() - started,
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

interface Finding {
  index: number
  name: string
  request: Draft
  received: Received
}

const MAX_SHOWN = 400

/** Keeps the first example of each kind of fault. */
function note(broken: string[], { index, name, request, received }: Finding): void {
  const { operation, method, headers, body } = request
  const key = `${operation.id}: ${broken[0]?.replaceAll(/\d+|"[^"]*"/g, '…')}`
  if (faults.has(key)) return
  const lines = [
    `${operation.id} (${name}; request ${index} of seed ${seed})`,
    ...broken.map((sentence) => `  ${sentence}`),
    `  asked: ${method} ${targetOf(request).slice(0, MAX_SHOWN)}`,
    `  token: ${headers.authorization ? 'yes' : 'no'}, body: ${show(body)}`,
    `  answered: ${received.status} ${show(JSON.stringify(received.body))}`,
  ]
  faults.set(key, lines.join('\n'))
}

function show(body: string | Uint8Array | undefined): string {
  if (body === undefined) return 'none'
  const text = typeof body === 'string' ? body : `bytes ${[...body].join(' ')}`
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}… (${text.length})` : text
}
