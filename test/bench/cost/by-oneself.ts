/** The operations of `bench/cost/month.ts` that reach no waiting poll of another user. */
import type { Counts } from '../../../bench/cost/bill.ts'
import { type Counted, combined, lineThrough, type Measured, NOTHING } from '../../../bench/cost/units.ts'
import { type Client, must } from '../../support/client.ts'
import { eventually } from '../../support/eventually.ts'
import { makeDevice } from '../../support/keys.ts'
import { png, RED } from '../../support/media/images.ts'
import type { Meter } from './meter.ts'
import { enc } from './readers.ts'

/** How many people or rooms an operation reaches that is run for few and for many. */
export const FEW = 2
export const MANY = 6

export type InCompany =
  | 'message'
  | 'typing'
  | 'typingIdle'
  | 'receipts'
  | 'receiptsIdle'
  | 'presence'
  | 'presenceIdle'
  | 'toDevice'
  | 'keysQuery'

/** Presence is told once a second. */
const REST_MS = 1_100

/**
 * Presence as a client tells it in so many words. Minutes lie between the two: each is told at once, and no timer waits
 * for what is left of the second.
 */
export async function idleAndBack(client: Client, told: (state: string) => Promise<unknown>): Promise<void> {
  for (const presence of ['unavailable', 'online']) {
    must(await client.put(`/presence/${enc(client.userId)}/status`, { presence }))
    await told(presence)
    const rested = Date.now() + REST_MS
    await eventually(
      async () => Date.now(),
      (now) => now > rested,
    )
  }
}

/**
 * @param alone a user without a poll
 * @param open a user with one
 */
export async function byOneself(meter: Meter, alone: Client, open: Client): Promise<Omit<Counts, InCompany>> {
  const single = async (...work: Parameters<Meter['costOf']>): Promise<Measured> => ({
    base: await meter.costOf(...work),
    each: NOTHING,
  })
  const room = await alone.createRoom({ preset: 'public_chat' })
  await alone.say(room, 'hello')
  const since: string = must(await alone.sync()).body.next_batch
  const history = async () => must(await alone.get(`/rooms/${enc(room)}/messages`, { dir: 'b' }))
  const device = makeDevice(alone)
  let keys = 0
  const uploadKeys = async () => {
    keys += 10
    must(await alone.post('/keys/upload', { one_time_keys: device.oneTimeKeys(10, keys) }))
  }
  let change = 0
  const changeSettings = async () => {
    change += 1
    must(await open.put(`/user/${enc(open.userId)}/account_data/org.example.count`, { change }))
  }
  let joinable = ''
  const makeJoinable = async () => {
    joinable = await alone.createRoom({ preset: 'public_chat' })
  }
  return {
    quietPoll: await single(() => alone.sync({ since, timeout: 100 })),
    ...(await absent(meter, alone)),
    oneTimeKeys: await single(uploadKeys),
    history: await single(history),
    accountData: await single(changeSettings),
    ...(await media(meter, alone, single)),
    createRoom: await single(() => alone.createRoom({ name: 'A new room', preset: 'private_chat' })),
    join: await single(async () => must(await open.join(joinable)), makeJoinable),
    login: await single(async () => must(await (await meter.http.login('alone')).sync())),
  }
}

type Single = (...work: Parameters<Meter['costOf']>) => Promise<Measured>

async function media(
  { http, server }: Meter,
  { token }: Client,
  single: Single,
): Promise<Pick<Counts, 'upload' | 'thumbnail' | 'download'>> {
  const raw = png(200, 200, () => RED)
  const headers = { 'content-type': 'image/png' }
  const upload = async (): Promise<string> => {
    const answer = await http.request('POST', '/_matrix/media/v3/upload', undefined, { raw, token, headers })
    return must(answer).body.content_uri.split('/').at(-1)
  }
  const id = await upload()
  const get = async (kind: string, query = {}) => {
    const path = `/_matrix/client/v1/media/${kind}/${server.serverName}/${id}`
    return must(await http.request('GET', path, undefined, { token, query }))
  }
  return {
    upload: await single(upload),
    thumbnail: await single(() => get('thumbnail', { width: 32, height: 32 })),
    download: await single(() => get('download')),
  }
}

/** Users who were there and have gone, and the rooms in which they are with somebody else. */
interface Absent {
  client: Client
  rooms: string[]
}

async function absent(
  meter: Meter,
  alone: Client,
): Promise<Pick<Counts, 'opening' | 'firstNews' | 'presenceRooms'>> {
  const few = await absentFrom(meter, alone, FEW)
  const many = await absentFrom(meter, alone, MANY)
  const measured = async (work: (of: Absent) => Promise<Counted>): Promise<Measured> =>
    lineThrough({ n: FEW, cost: await work(few) }, { n: MANY, cost: await work(many) })
  const opening = await measured((of) => costOfOpening(meter, alone, of))
  // One room is in what presence costs among people.
  const presence = await measured(({ client }) => meter.costOf(() => idleAndBack(client, async () => {})))
  return {
    opening,
    firstNews: { base: await costOfFirstNews(meter, alone, few), each: NOTHING },
    presenceRooms: { base: NOTHING, each: presence.each },
  }
}

async function absentFrom({ http }: Meter, alone: Client, count: number): Promise<Absent> {
  const client = await http.register(`absent${count}`)
  const rooms = await Promise.all(
    Array.from({ length: count }, () => alone.createRoom({ preset: 'public_chat' })),
  )
  for (const room of rooms) must(await client.join(room))
  return { client, rooms }
}

/** Looks, and goes: the next wakes find nobody. */
async function lookAndGo({ http }: Meter, { client, rooms }: Absent): Promise<string> {
  const since: string = must(await client.sync()).body.next_batch
  const fault = { name: 'user:idle', count: rooms.length }
  must(await http.request('POST', '/_selvedge/test/faults', fault))
  return since
}

/** A message in each room has come meanwhile. */
async function costOfOpening(meter: Meter, alone: Client, of: Absent): Promise<Counted> {
  let since = ''
  const prepare = async () => {
    since = await lookAndGo(meter, of)
    for (const room of of.rooms) await alone.say(room, 'while you were away')
  }
  return meter.costOf(async () => must(await of.client.sync({ since })), prepare)
}

/** The extra cost of a message for a member that has looked since the last one and gone. */
async function costOfFirstNews(meter: Meter, alone: Client, of: Absent): Promise<Counted> {
  const say = () => alone.say(of.rooms[0]!, 'while you were away')
  const first = await meter.costOf(say, () => lookAndGo(meter, of))
  const second = await meter.costOf(say)
  const more = combined(first, second, -1)
  return Object.fromEntries(Object.entries(more).map(([name, n]) => [name, Math.max(0, n)])) as Counted
}
