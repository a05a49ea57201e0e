/** What happens to a stream, or a poll, while it is being opened: its session ends, its client goes or says too much. */
import { expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { held, planFault } from '../../../support/faults.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'
import { openStream } from '../../../support/stream.ts'

const { server, http, someone } = serving()
const HELD = 'hold:room.pull'
const isError = ({ type }: Body) => type === 'error'
const evict = ({ userId }: Client) => server.evict('USER', objectName.user(server.serverName, userId))

/** Somebody whose first sync takes until its Room is let go. */
async function withRoom(): Promise<[Client, string]> {
  const carol = await someone()
  return [carol, await carol.createRoom()]
}

it('a stream whose session ends while it is being opened is refused', async () => {
  const [carol] = await withRoom()
  await planFault(http, HELD)
  const protocols = ['dev.selvedge.stream', `dev.selvedge.token.${carol.token}`]
  const opening = openStream(server, undefined, { protocols })
  await held(http, HELD)
  must(await carol.post('/logout'))
  await planFault(http, HELD, 0)
  const stream = await opening
  expect((await stream.next(isError)).errcode).toBe('M_UNKNOWN_TOKEN')
  expect((await stream.closed()).code).toBe(4401)
})

it.each([
  ['/sync', 401, 'M_UNKNOWN_TOKEN'],
  // The connection ends with the device.
  ['sliding sync', 400, 'M_UNKNOWN_POS'],
] as const)('so is a poll of %s that would wait', async (which, status, errcode) => {
  const [carol, room] = await withRoom()
  const filter = JSON.stringify({ room: { rooms: [] } })
  const path = '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync'
  const slide = (query: Body) => http.request('POST', path, {}, { token: carol.token, query })
  const ask = (place?: string) =>
    which === '/sync'
      ? carol.sync({ filter, since: place, timeout: 20_000 })
      : slide({ pos: place, timeout: 20_000 })
  const { next_batch, pos } = must(await ask()).body
  await evict(carol)
  // Nothing of it is shown, but the Room must be asked.
  await carol.say(room, 'news')
  await planFault(http, HELD)
  const poll = ask(next_batch ?? pos)
  await held(http, HELD)
  must(await carol.post('/logout'))
  await planFault(http, HELD, 0)
  const answer = await poll
  expect([answer.status, answer.body.errcode]).toEqual([status, errcode])
})

it.each([
  ['goes', undefined],
  ['says too much', 'x'.repeat(20_000)],
])('a client that %s before it is answered leaves no stream behind', async (_, text) => {
  const [carol, room] = await withRoom()
  const subscribers = () =>
    server.sql('ROOM', objectName.room(server.serverName, room), 'SELECT user_id FROM subscribers')
  await planFault(http, HELD)
  const stream = await openStream(server, undefined)
  stream.say({ type: 'auth', access_token: carol.token })
  await held(http, HELD)
  if (text === undefined) await stream.close()
  else stream.say(text)
  await stream.closed()
  await planFault(http, HELD, 0)
  await expect.poll(subscribers, { timeout: 10_000 }).toEqual([{ user_id: carol.userId }])
  // A user without anything that waits gives up the wakes of a room.
  const givenUp = async () => {
    await planFault(http, 'user:idle')
    await carol.say(room, 'is anybody there')
    return subscribers()
  }
  await expect.poll(givenUp, { timeout: 10_000 }).toEqual([])
})

it('a client that says too much before it is answered is cut off', async () => {
  const long = await openStream(server, undefined)
  long.say({ type: 'auth', access_token: 'x'.repeat(80_000) })
  expect((await long.next(isError)).errcode).toBe('M_TOO_LARGE')
  expect((await long.closed()).code).toBe(1009)
  const [carol] = await withRoom()
  for (const [more, code] of [
    [['x'.repeat(20_000)], 1009],
    [Array.from({ length: 20 }, () => '{"type":"ping"}'), 4429],
  ] as const) {
    await planFault(http, HELD)
    const stream = await openStream(server, undefined)
    stream.say({ type: 'auth', access_token: carol.token })
    await held(http, HELD)
    for (const text of more) stream.say(text)
    expect((await stream.closed()).code).toBe(code)
    await planFault(http, HELD, 0)
  }
})

it('a binary message is none', async () => {
  const [carol] = await withRoom()
  const first = await openStream(server, undefined)
  first.socket.send(new Uint8Array([123, 125]))
  expect((await first.next(isError)).errcode).toBe('M_NOT_JSON')
  const stream = await openStream(server, carol)
  stream.socket.send(new Uint8Array([123, 125]))
  expect((await stream.next(isError)).errcode).toBe('M_NOT_JSON')
  expect((await stream.ask({ type: 'ping' })).type).toBe('pong')
  stream.socket.send(new Uint8Array(20_000))
  expect((await stream.closed()).code).toBe(1009)
})
