/** The bounds that hold against other servers are counted where they end something. */
import { beforeAll, expect, it } from 'vitest'
import { must } from '../../support/client.ts'
import { type Guest, guest } from '../../support/federation/guest.ts'
import { federating, newRemote, remote } from '../../support/federation/remote.ts'
import { serving } from '../../support/serving.ts'

const V1 = '/_matrix/federation/v1'
const PATIENCE = { timeout: 20_000, interval: 10 }
const other = remote()
const { http, server, alice } = serving(['alice'], federating)

let bob: Guest & { roomId: string }
let number = 0
const missing = () => `$${`${++number}`.padStart(43, 'm')}`

beforeAll(async () => {
  const roomId = await alice.createRoom({ room_version: '11', preset: 'public_chat' })
  bob = { ...guest('bob', { http, host: alice, server: other, roomId, version: '11' }), roomId }
  await bob.join()
})

async function counted(bound: string): Promise<number> {
  const text = await (await fetch(new URL('/metrics', server.url))).text()
  const [, value] = text.match(`selvedge_federation_bounds_total\\{bound="${bound}"\\} (\\d+)`) ?? []
  return Number(value ?? 0)
}

it('staged events that go for newer ones', async () => {
  const before = await counted('staged')
  for (let sent = 0; sent < 205; sent += 41) {
    const prev = [missing()]
    const events = await Promise.all(Array.from({ length: 41 }, (_, n) => bob.make(`${sent + n}`, { prev })))
    must(await bob.send(events))
  }
  expect(await counted('staged')).toBe(before + 5)
})

it('a branch that never ends', async () => {
  const before = await counted('fetches')
  const chain = await bob.chain(
    Array.from({ length: 13 }, (_, n) => `${n}`),
    missing(),
  )
  // One event at a time: the one before that which was asked for.
  other.on('POST', `${V1}/get_missing_events/`, ({ body }) => {
    const at = chain.findIndex(({ eventId }) => body.latest_events.includes(eventId))
    return { body: { events: at > 0 ? [chain[at - 1]!.pdu] : [] } }
  })
  must(await bob.send([chain.at(-1)!]))
  expect(await counted('fetches')).toBe(before + 1)
})

it('a state of too many events', async () => {
  const before = await counted('states')
  const ids = Array.from({ length: 100_001 }, (_, n) => `$${`${n}`.padStart(43, 's')}`)
  other.on('GET', `${V1}/state_ids/`, () => ({ body: { pdu_ids: ids, auth_chain_ids: [] } }))
  must(await bob.send([await bob.make('late', { prev: [missing()] })]))
  expect(await counted('states')).toBeGreaterThan(before)
  other.on('GET', `${V1}/state_ids/`, () => ({ status: 404 }))
})

it('transactions beside eight others', async () => {
  const before = await counted('transactions')
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  let waiting = 0
  other.on('POST', `${V1}/get_missing_events/`, async () => {
    waiting += 1
    await held
    return { body: { events: [] } }
  })
  const events = await Promise.all(Array.from({ length: 8 }, () => bob.make('x', { prev: [missing()] })))
  const answers = events.map((event) => bob.send([event]))
  await expect.poll(() => waiting, PATIENCE).toBe(8)
  expect((await bob.send([])).status).toBe(429)
  release()
  await Promise.all(answers)
  expect(await counted('transactions')).toBe(before + 1)
})

it('servers that are left alone', async () => {
  const away = newRemote()
  await away.start()
  const guestOf = { http, host: alice, server: away, roomId: bob.roomId, version: '11' }
  await guest('carol', guestOf).join()
  await away.stop()
  const before = await counted('servers')
  await alice.say(bob.roomId, 'hello')
  await expect.poll(() => counted('servers'), PATIENCE).toBeGreaterThan(before)
})
