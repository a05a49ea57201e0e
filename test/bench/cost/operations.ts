/** The operations of `bench/cost/month.ts`, each run and counted on a whole server whose other users wait in polls. */
import type { Counts } from '../../../bench/cost/bill.ts'
import { BURST, TYPING_SECONDS } from '../../../bench/cost/month.ts'
import {
  type Counted,
  combined,
  costFor,
  lineThrough,
  type Measured,
  NOTHING,
} from '../../../bench/cost/units.ts'
import { type Api, must } from '../../support/client.ts'
import { byOneself, FEW, type InCompany, idleAndBack, MANY } from './by-oneself.ts'
import type { Meter } from './meter.ts'
import { all, enc, facts, Reader } from './readers.ts'

/** One user who acts, in one room with others who wait. */
interface Company {
  actor: Reader
  others: Reader[]
  everybody: Reader[]
  room: string
}

async function companyOf(http: Api, name: string, others: Reader[]): Promise<Company> {
  const actor = new Reader(await http.register(name))
  const room = await actor.client.createRoom({ preset: 'public_chat' })
  for (const { client } of others) must(await client.join(room))
  await actor.client.say(room, 'hello')
  await actor.start()
  return { actor, others, everybody: [actor, ...others], room }
}

/** Runs everything. */
export async function countOperations(meter: Meter): Promise<Counts> {
  const { http } = meter
  const others = await Promise.all(
    Array.from({ length: MANY }, async (_, i) => new Reader(await http.register(`other${i}`))),
  )
  for (const other of others) await other.start()
  const few = await companyOf(http, 'few', others.slice(0, FEW))
  const many = await companyOf(http, 'many', others)
  const alone = await http.register('alone')
  try {
    return { ...(await inCompany(meter, few, many)), ...(await byOneself(meter, alone, few.actor.client)) }
  } finally {
    await Promise.all([few.actor, many.actor, ...others].map((reader) => reader.stop()))
  }
}

async function inCompany(meter: Meter, few: Company, many: Company): Promise<Pick<Counts, InCompany>> {
  const measured = async (work: (company: Company) => Promise<unknown>): Promise<Measured> =>
    lineThrough(
      { n: FEW, cost: await meter.costOf(() => work(few)) },
      { n: MANY, cost: await meter.costOf(() => work(many)) },
    )
  const ofMessage = await measured(message)
  return {
    message: ofMessage,
    typing: await measuredTyping(meter, few, many, ofMessage),
    typingIdle: await amongIdle(few, many, (company) => typingBesideIdle(meter, company, ofMessage)),
    receipts: await measuredReceipts(meter, few, many),
    receiptsIdle: await amongIdle(few, many, (company) => receiptBesideIdle(meter, company)),
    presence: await measured(presence),
    presenceIdle: await amongIdle(few, many, ({ actor }) =>
      meter.costOf(() => idleAndBack(actor.client, async () => {})),
    ),
    toDevice: await measured(toDevice),
    keysQuery: await measured(keysQuery),
  }
}

async function message({ actor, everybody, room }: Company): Promise<string> {
  const eventId = await actor.client.say(room, 'a message of the usual length, such as people write')
  await all(everybody, (reader) => reader.hears(facts.event(eventId)))
  return eventId
}

/** Typing ends with its message, as clients say it: what the message costs by itself is taken off. */
async function measuredTyping(
  meter: Meter,
  few: Company,
  many: Company,
  ofMessage: Measured,
): Promise<Measured> {
  const typing = async (company: Company): Promise<Counted> => {
    const whole = await meter.costOf(() => typeAndSend(company))
    return combined(whole, costFor(ofMessage, company.others.length), -1)
  }
  return lineThrough({ n: FEW, cost: await typing(few) }, { n: MANY, cost: await typing(many) })
}

/** @param watching the users that are told of it at once */
async function typeAndSend(company: Company, watching = company.everybody): Promise<void> {
  const { actor, everybody, room } = company
  const { client } = actor
  const say = async (body: object) =>
    must(await client.put(`/rooms/${enc(room)}/typing/${enc(client.userId)}`, body))
  const typing = (userIds: string[]) => facts.typing(room, userIds)
  await say({ typing: true, timeout: TYPING_SECONDS * 1000 })
  await all(watching, (reader) => reader.hears(typing([client.userId])))
  await Promise.all([say({ typing: false }), message(company)])
  await all(everybody, (reader) => reader.hears(typing([])))
}

/** The readers of a message tell at once that they have read it. */
async function measuredReceipts(meter: Meter, few: Company, many: Company): Promise<Measured> {
  const burst = async (company: Company): Promise<Counted> => {
    let eventId = ''
    const prepare = async () => {
      eventId = await message(company)
    }
    const readers = company.everybody.slice(-BURST)
    const read = async () => {
      const path = `/rooms/${enc(company.room)}/receipt/m.read/${enc(eventId)}`
      await all(readers, ({ client }) => client.post(path).then(must))
      const wanted = readers.map(({ client }) => facts.receipt(eventId, client.userId))
      await all(company.everybody, (reader) => reader.hears(...wanted))
    }
    return meter.costOf(read, prepare)
  }
  return lineThrough({ n: FEW, cost: await burst(few) }, { n: MANY, cost: await burst(many) })
}

async function presence({ actor: { client }, others }: Company): Promise<void> {
  await idleAndBack(client, (state) =>
    all(others, (reader) => reader.hears(facts.presence(client.userId, state))),
  )
}

/** The cost for each idle user. The operation's own cost is counted elsewhere. */
async function amongIdle(
  few: Company,
  many: Company,
  costOf: (company: Company) => Promise<Counted>,
): Promise<Measured> {
  const cost = async (company: Company): Promise<Counted> => {
    await all(company.others, (other) => other.becomes('unavailable'))
    const counted = await costOf(company)
    await all(company.others, (other) => other.becomes('online'))
    return counted
  }
  const { each } = lineThrough({ n: FEW, cost: await cost(few) }, { n: MANY, cost: await cost(many) })
  return { base: NOTHING, each }
}

async function typingBesideIdle(meter: Meter, company: Company, ofMessage: Measured): Promise<Counted> {
  const whole = await meter.costOf(() => typeAndSend(company, [company.actor]))
  return combined(whole, costFor(ofMessage, company.others.length), -1)
}

async function receiptBesideIdle(meter: Meter, company: Company): Promise<Counted> {
  const { actor, room } = company
  let eventId = ''
  const prepare = async () => {
    eventId = await message(company)
  }
  const read = async () => {
    must(await actor.client.post(`/rooms/${enc(room)}/receipt/m.read/${enc(eventId)}`))
    await actor.hears(facts.receipt(eventId, actor.client.userId))
  }
  return meter.costOf(read, prepare)
}

let sent = 0

async function toDevice({ actor, others }: Company): Promise<void> {
  sent += 1
  const type = `org.example.count${sent}`
  const messages = Object.fromEntries(others.map(({ client }) => [client.userId, { '*': { key: 'x' } }]))
  must(await actor.client.put(`/sendToDevice/${type}/t${sent}`, { messages }))
  await all(others, (reader) => reader.hears(facts.toDevice(type)))
}

async function keysQuery({ actor, others }: Company): Promise<void> {
  const wanted = Object.fromEntries(others.map(({ client }) => [client.userId, []]))
  must(await actor.client.post('/keys/query', { device_keys: wanted }))
}
