/** Of which events a state may be told to lack: a server that does not answer may have them. */
import { expect, it } from 'vitest'
import { CallBudget } from '../../../../src/federation/inbound/call-budget.ts'
import { Supply } from '../../../../src/federation/inbound/supply.ts'
import { ServerFailure } from '../../../../src/federation/server-failure.ts'
import type { ServerRequest } from '../../../../src/ports/federation.ts'
import type { JsonObject } from '../../../../src/protocol/events/canonical-json.ts'
import { RemoteServer } from '../../../support/federation/remote-server.ts'

const SENDER = 'away.example'
const OTHER = 'other.example'
const EVE = '@eve:away.example'

const away = new RemoteServer('11', '!room:away.example')
const [wanted, another] = [away.say(EVE, 'wanted'), away.say(EVE, 'another')]
const given = (event: { json: string }) => JSON.parse(event.json) as JsonObject
const unsigned = { ...given(wanted), signatures: { [SENDER]: {} } }
const NO_SUCH = new ServerFailure('refused', { status: 404, errcode: 'M_NOT_FOUND' })
const BUSY = new ServerFailure('refused', { status: 503 })
const AWAY = new ServerFailure('unreachable')

type Answer = JsonObject | ServerFailure

/** What comes of the wish for one event of a state that the sender has told. */
async function outcome(answers: Record<string, Answer>, teller = SENDER): Promise<string> {
  const ask = async ({ destination, uri }: ServerRequest) => {
    if (uri.includes('/state_ids/')) {
      if (destination !== teller) throw AWAY
      return { text: JSON.stringify({ pdu_ids: [wanted.eventId], auth_chain_ids: [] }) }
    }
    const answer = answers[destination]!
    if (answer instanceof ServerFailure) throw answer
    return { text: JSON.stringify({ pdus: [answer] }) }
  }
  const lookup = () => away.publicKey
  const supply = new Supply({
    client: { ask },
    keyRing: { known: () => lookup, collect: async () => lookup },
    rules: away.rules,
    roomId: away.roomId,
    serverNames: [SENDER, OTHER],
    isHistory: false,
    now: () => 0,
    until: 1,
    budget: new CallBudget(),
    metrics: { count: () => undefined, observe: () => undefined },
  })
  await supply.fetch([{ kind: 'state', eventId: '$after' }])
  const found = await supply.fetch([{ kind: 'events', eventIds: [wanted.eventId] }])
  if (found?.events?.length) return 'had'
  return found?.unavailable?.includes(wanted.eventId) ? 'lacking' : 'open'
}

/** Fetches 500 single events that no server gives. Answers which servers were asked, one entry for each request. */
async function askedInVain(
  ask: (server: string) => number,
  calls = 20,
): Promise<{ asked: string[]; now: number }> {
  let now = 0
  const asked: string[] = []
  const lookup = () => away.publicKey
  const supply = new Supply({
    client: {
      async ask({ destination, withinMs = 10_000 }) {
        asked.push(destination)
        const took = ask(destination)
        now += Math.min(took, withinMs)
        throw took > 0 ? AWAY : NO_SUCH
      },
    },
    keyRing: { known: () => lookup, collect: async () => lookup },
    rules: away.rules,
    roomId: away.roomId,
    serverNames: [SENDER, OTHER],
    isHistory: false,
    now: () => now,
    until: 25_000,
    budget: new CallBudget(),
    metrics: { count: () => undefined, observe: () => undefined },
  })
  for (let call = 0; call < calls; call += 1) {
    const eventIds = Array.from({ length: 50 }, (_, n) => `$${call} ${n}`)
    await supply.fetch([{ kind: 'events', eventIds }])
  }
  return { asked, now }
}

it('a server that hangs is not asked again for the same events, and others are', async () => {
  const { asked, now } = await askedInVain((server) => (server === SENDER ? 10_000 : 0), 1)
  // Two are asked for at once.
  expect(asked.filter((server) => server === SENDER).length).toBeLessThanOrEqual(2)
  expect(asked.filter((server) => server === OTHER)).toHaveLength(50)
  expect(now).toBeLessThanOrEqual(25_000)
})

it('nothing is asked for once the time is over', async () => {
  const { now } = await askedInVain(() => 10_000)
  expect(now).toBeLessThanOrEqual(25_000)
})

it('no more is asked for than one invocation may ask', async () => {
  expect((await askedInVain(() => 0)).asked).toHaveLength(200)
})

it.each<[string, string, Record<string, Answer>, string?]>([
  ['is had from the one that sent the events', 'had', { [SENDER]: given(wanted), [OTHER]: NO_SUCH }],
  ['is had from another where the first does not answer', 'had', { [SENDER]: AWAY, [OTHER]: given(wanted) }],
  [
    'is had from another where the first gives one that is not it',
    'had',
    { [SENDER]: given(another), [OTHER]: given(wanted) },
    OTHER,
  ],
  ['stays open where its teller does not answer', 'open', { [SENDER]: AWAY, [OTHER]: NO_SUCH }],
  ['stays open where its teller is busy', 'open', { [SENDER]: BUSY, [OTHER]: NO_SUCH }],
  ['is lacking where its teller has it not', 'lacking', { [SENDER]: NO_SUCH, [OTHER]: AWAY }],
  [
    'is lacking where its teller gives one that is not it',
    'lacking',
    { [SENDER]: given(another), [OTHER]: AWAY },
  ],
  ['is lacking where its signature is wrong', 'lacking', { [SENDER]: unsigned, [OTHER]: AWAY }],
  ['is lacking where nobody has it', 'lacking', { [SENDER]: NO_SUCH, [OTHER]: NO_SUCH }, OTHER],
])('an event of a state %s', async (_, expected, answers, teller) => {
  expect(await outcome(answers, teller)).toBe(expected)
})
