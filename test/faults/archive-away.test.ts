/** What waits for the archive while Postgres is away: more than a batch, each of which is lost once and comes again. */
import { expect, it } from 'vitest'
import { type Body, must } from '../support/client.ts'
import { planFault } from '../support/faults.ts'
import { at, wipeAndRebuildRoom, wipeAndRebuildUser } from '../support/rebuild.ts'
import { objectName } from '../support/server.ts'
import { serving } from '../support/serving.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'])

/** What of a request is a batch of an object's archive: where it begins. */
function beginningOf(request: unknown, id: string): number | undefined {
  const { queries, params } = JSON.parse((request as { body: string }).body)
  for (const values of [params, ...(queries ?? []).map((one: Body) => one.params)]) {
    if (values?.[0] !== id || !String(values[1]).startsWith('[{"kind"')) continue
    const [first] = JSON.parse(values[1]) as { pos?: number; seq?: number }[]
    return first?.pos ?? first?.seq
  }
  return undefined
}

/** Runs `work` while Postgres is away. When it is back, the answer to each batch is lost once. Answers how often each came. */
async function whileAway(
  { id, kind, nudge }: { id: string; kind: 'ROOM' | 'USER'; nudge: () => Promise<unknown> },
  work: () => Promise<unknown>,
): Promise<number[]> {
  const times = new Map<number, number>()
  server.postgres.stop()
  await work()
  server.postgres.lose((request) => {
    const begins = beginningOf(request, id)
    if (begins === undefined) return false
    times.set(begins, (times.get(begins) ?? 0) + 1)
    return times.get(begins) === 1
  })
  server.postgres.start()
  const name = objectName[kind === 'ROOM' ? 'room' : 'user'](server.serverName, id)
  // Failures let the archive rest for up to a minute: each alarm of the object runs it all the same.
  await planFault(http, 'job:archive', 10_000)
  const isDone = async () => {
    const waiting = await server.sql(kind, name, 'SELECT 1 FROM log LIMIT 1')
    if (waiting.length === 0 && (await hasNewest(kind, id, name))) return true
    await nudge()
    return false
  }
  await expect.poll(isDone, { timeout: 60_000, interval: 400 }).toBe(true)
  await planFault(http, 'job:archive', 0)
  server.postgres.lose(undefined)
  return [...times.values()]
}

async function hasNewest(kind: 'ROOM' | 'USER', id: string, name: string): Promise<boolean> {
  if (kind === 'USER') return true
  const [newest] = await server.sql('ROOM', name, 'SELECT max(pos) AS pos FROM events')
  const [known] = await server.pg('select archived_pos from rooms where room_id = $1', [id])
  return Number(known?.archived_pos ?? 0) >= Number(newest?.pos)
}

it('a room is archived as it is, even if each batch comes twice', async () => {
  const room = await alice.createRoom({ preset: 'public_chat' })
  must(await bob.join(room))
  const send = (n: number) => alice.say(room, `said ${n}`)
  const times = await whileAway(
    { id: room, kind: 'ROOM', nudge: () => alice.say(room, 'go on') },
    async () => {
      const said: string[] = []
      for (let n = 0; n < 600; n += 50) {
        said.push(...(await Promise.all(Array.from({ length: 50 }, (_, i) => send(n + i)))))
        // Each batch changes something of the one before.
        must(await alice.put(at(room, 'state/m.room.name'), { name: `Name ${n}` }))
        must(await alice.put(at(room, `redact/${encodeURIComponent(said.at(-7)!)}/r${n}`), {}))
        must(await bob.post(at(room, `receipt/m.read/${encodeURIComponent(said.at(-3)!)}`)))
        must(await bob.post(at(room, 'leave')))
        must(await bob.join(room))
      }
    },
  )
  expect(times.length).toBeGreaterThan(1)
  expect(times).toEqual(times.map(() => 2))
  const name = objectName.room(server.serverName, room)
  const rows = async () => [
    await server.sql('ROOM', name, 'SELECT event_id, rtrim(pdu) AS pdu, txn FROM events ORDER BY pos'),
    await server.sql('ROOM', name, 'SELECT user_id, membership, event_id FROM members ORDER BY 1'),
    await server.sql('ROOM', name, 'SELECT user_id, receipt_type, event_id FROM receipts ORDER BY 1, 2'),
  ]
  const before = await rows()
  await wipeAndRebuildRoom(server, room, alice)
  expect(await rows()).toEqual(before)
}, 120_000)

it('a user is archived as they are, even if each batch comes twice', async () => {
  const { version } = must(
    await bob.post('/room_keys/version', {
      algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2',
      auth_data: {},
    }),
  ).body
  const key = (n: number) => ({
    first_message_index: n,
    forwarded_count: 0,
    is_verified: false,
    session_data: {},
  })
  const backUp = (index: number, count: number) => {
    const sessions = Object.fromEntries(Array.from({ length: count }, (_, n) => [`s${n}`, key(index)]))
    return bob.put(`/room_keys/keys?version=${version}`, { rooms: { '!room:test.example': { sessions } } })
  }
  const times = await whileAway({ id: bob.userId, kind: 'USER', nudge: () => backUp(1, 1) }, async () => {
    must(await backUp(5, 700))
    // The better keys replace some of those that wait still.
    must(await backUp(2, 300))
  })
  expect(times.length).toBeGreaterThan(1)
  expect(times).toEqual(times.map(() => 2))
  const name = objectName.user(server.serverName, bob.userId)
  const rows = () => server.sql('USER', name, 'SELECT session_id, data FROM backup_keys ORDER BY 1')
  const before = await rows()
  expect(before).toHaveLength(700)
  await wipeAndRebuildUser(server, bob)
  expect(await rows()).toEqual(before)
}, 120_000)
