/**
 * The stream tells what /sync tells: random histories with evictions, and a client that is slow, deaf and loses its
 * connection, beside one that asks /sync. Both end with the same rooms, timelines, state, receipts and counts.
 * `STREAM_SEED` repeats a history, `STREAM_RUNS` says how many there are.
 */
import { isDeepStrictEqual } from 'node:util'
import { expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'
import { type BareStream, openStream } from '../../../support/stream.ts'
import { type Cast, Happenings } from '../sync/happenings.ts'
import { View } from './view.ts'

const FIRST_SEED = Number(process.env.STREAM_SEED ?? 1)
const RUNS = Number(process.env.STREAM_RUNS ?? 2)
const STEPS = 60
const FILTER = JSON.stringify({ room: { timeline: { limit: 500 } } })

const { server, http } = serving([], { presence: 'off' })

/** Repeatable choices beside those of the history. */
function choices(seed: number): (sides: number) => number {
  let state = seed * 7919
  return (sides) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >>> 8) % sides
  }
}

/** A client of the stream that lives badly. */
class Listener {
  readonly view: View
  readonly client: Client
  position: string
  #stream: BareStream | undefined
  /** How many of the stream's messages it has looked at. */
  #looked = 0
  /** What it has shown and not acknowledged. */
  #owed: string | undefined

  constructor(client: Client, position: string, view: View) {
    this.view = view
    this.client = client
    this.position = position
  }

  async connect(): Promise<void> {
    const query = { filter: FILTER }
    this.#stream = await openStream(server, this.client, { since: this.position, query, holds: '' })
    this.#looked = 0
    this.#owed = undefined
  }

  /** The connection is lost, and with it what has not been looked at yet. */
  async drop(): Promise<void> {
    await this.#stream?.close()
    await this.connect()
  }

  /** Looks at what has come. */
  async look(acknowledges: boolean): Promise<void> {
    const stream = this.#stream!
    for (const message of stream.messages.slice(this.#looked)) {
      this.#looked += 1
      if (message.type === 'sync') this.#take(message.body)
      if (message.type === 'catch_up') await this.#catchUp(message)
    }
    if (!acknowledges || this.#owed === undefined) return
    stream.say({ type: 'ack', position: this.#owed })
    this.#owed = undefined
  }

  close(): Promise<void> | undefined {
    return this.#stream?.close()
  }

  async #catchUp({ since }: Body): Promise<void> {
    this.#take(must(await this.client.sync({ since, filter: FILTER })).body)
  }

  #take(body: Body): void {
    this.view.take(body)
    this.position = body.next_batch
    this.#owed = body.next_batch
  }
}

async function world(
  seed: number,
): Promise<{ cast: Cast; listener: Listener; asker: Client; since: string }> {
  const [alice, bob, carol] = await Promise.all(
    ['alice', 'bob', 'carol'].map((name) => http.register(`${name}${seed}`)),
  )
  const rooms: string[] = []
  for (const members of [[alice], [alice], [alice, carol], [alice, carol]]) {
    const room = await bob!.createRoom({ preset: 'public_chat' })
    for (const member of members) must(await member!.join(room))
    rooms.push(room)
  }
  const asker = await http.login(`alice${seed}`)
  const { body } = must(await alice!.sync({ filter: FILTER }))
  const first = must(await asker.sync({ filter: FILTER })).body
  const listener = new Listener(alice!, body.next_batch, new View(carol!.userId))
  listener.view.take(body)
  const [lobby = '', ...others] = rooms
  const cast = { server, alice: alice!, bob: bob!, carol: carol!, lobby, rooms: others }
  return { cast, listener, asker, since: first.next_batch }
}

it.each(Array.from({ length: RUNS }, (_, index) => FIRST_SEED + index))(
  'tells what /sync tells (%i)',
  async (seed) => {
    const { cast, listener, asker, since } = await world(seed)
    const roll = choices(seed)
    const happenings = new Happenings(seed, cast)
    const oracle = new View(cast.carol.userId)
    oracle.take(must(await asker.sync({ filter: FILTER })).body)
    let token = since
    const ask = async () => {
      const { body } = must(await asker.sync({ since: token, filter: FILTER }))
      oracle.take(body)
      token = body.next_batch
    }
    await listener.connect()
    for (let step = 0; step < STEPS; step += 1) {
      await happenings.happen()
      if (roll(4) === 0) await sendToBoth(cast, [cast.alice, asker], `m${seed}-${step}`)
      if (roll(3) === 0) await listener.look(roll(3) > 0)
      if (roll(6) === 0) {
        happenings.log.push('the stream is lost')
        await listener.drop()
      }
      if (roll(2) === 0) await ask()
    }
    const why = happenings.log.join('\n')
    // With its next event each room tells what is unread by the rules of now.
    for (const room of [cast.lobby, ...cast.rooms]) await cast.bob.say(room, 'the end')
    const both = async () => {
      await listener.look(true)
      await ask()
      const lengths = shorter(listener.view.lengths, oracle.lengths)
      return { told: listener.view.shown(lengths), asked: oracle.shown(lengths) }
    }
    const agree = async () => isDeepStrictEqual(...(Object.values(await both()) as [Body, Body]))
    await expect
      .poll(agree, { timeout: 20_000, interval: 100 })
      .toBe(true)
      .catch(() => undefined)
    const { told, asked } = await both()
    expect(told, why).toEqual(asked)
    expect(listener.view.twice, why).toEqual([])
    expect(listener.view.messages.length).toBeGreaterThan(0)
    await listener.close()
  },
  120_000,
)

function shorter(one: Record<string, number>, other: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(one).map(([id, n]) => [id, Math.min(n, other[id] ?? 0)]))
}

async function sendToBoth({ bob }: Cast, devices: Client[], text: string): Promise<void> {
  const messages = Object.fromEntries(devices.map(({ deviceId }) => [deviceId, { text }]))
  must(await bob.put(`/sendToDevice/m.test/${text}`, { messages: { [devices[0]!.userId]: messages } }))
}
