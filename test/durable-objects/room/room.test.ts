/** What a Room keeps and shows: visibility, versions, redactions, positions, the auth graph, the archive. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../support/client.ts'
import { objectName } from '../../support/server.ts'
import { serving } from '../../support/serving.ts'

const { server, alice, bob } = serving(['alice', 'bob'])

const at = (room: string, rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`
const name = (room: string) => objectName.room(server.serverName, room)
const bodiesOf = (events: Body[]) => events.map(({ content }) => content.body).filter(Boolean)

async function history(client: Client, room: string): Promise<Body[]> {
  return must(await client.get(at(room, 'messages'), { dir: 'f', limit: 100 })).body.chunk
}

describe('history visibility', () => {
  /** Bob is invited, joins, leaves, and joins again; Alice speaks each time. */
  async function story(visibility: string): Promise<{ during: string[]; gone: string[]; back: string[] }> {
    const content = { history_visibility: visibility }
    const room = await alice.createRoom({
      initial_state: [{ type: 'm.room.history_visibility', content }],
    })
    await alice.say(room, 'before')
    must(await alice.invite(room, bob.userId))
    await alice.say(room, 'invited')
    must(await bob.join(room))
    await alice.say(room, 'joined')
    const during = bodiesOf(await history(bob, room))
    must(await bob.post(at(room, 'leave')))
    await alice.say(room, 'away')
    const gone = bodiesOf(await history(bob, room))
    must(await alice.invite(room, bob.userId))
    must(await bob.join(room))
    const back = bodiesOf(await history(bob, room))
    const { body } = must(await bob.sync())
    const timeline = body.rooms.join[room].timeline.events.map((event: Body) => event.content.body)
    expect(timeline.filter(Boolean)).toEqual(back)
    return { during, gone, back }
  }

  const all = ['before', 'invited', 'joined']
  it.each([
    ['world_readable', all, [...all, 'away'], [...all, 'away']],
    ['shared', all, all, [...all, 'away']],
    ['invited', ['invited', 'joined'], ['invited', 'joined'], ['invited', 'joined']],
    ['joined', ['joined'], ['joined'], ['joined']],
  ])('%s shows what it says', async (visibility, during, gone, back) => {
    expect(await story(visibility)).toEqual({ during, gone, back })
  })
})

describe.each(['10', '11', '12'])('room version %s', (version) => {
  let room: string
  beforeAll(async () => {
    room = await alice.createRoom({ room_version: version, preset: 'public_chat', topic: 'of the room' })
    must(await bob.join(room))
  })

  it('names its room and its creator as it must', async () => {
    const [create] = await history(alice, room)
    expect(create.content.room_version).toBe(version)
    expect(create.content.creator).toBe(version === '10' ? alice.userId : undefined)
    if (version === '12') expect(room).toBe(`!${create.event_id.slice(1)}`)
    else expect(room.endsWith(`:${server.serverName}`)).toBe(true)
    const levels = must(await alice.get(at(room, 'state/m.room.power_levels'))).body
    expect(levels.users).toEqual(version === '12' ? {} : { [alice.userId]: 100 })
  })

  it('sets the same state once', async () => {
    const set = () => alice.put(at(room, 'state/org.example.x'), { x: 1 })
    const [first, second] = [must(await set()).body, must(await set()).body]
    expect(second).toEqual(first)
  })

  it('removes redacted content everywhere', async () => {
    const since = must(await bob.sync()).body.next_batch
    const secret = `secret ${version}`
    const id = await alice.say(room, secret)
    must(await alice.put(at(room, `send/m.room.redaction/r${version}`), { redacts: id, reason: 'no' }))
    const event = must(await bob.get(at(room, `event/${encodeURIComponent(id)}`))).body
    expect(event.content).toEqual({})
    expect(event.unsigned.redacted_because.type).toBe('m.room.redaction')
    const shown = [await history(bob, room), (await bob.sync({ since })).body, (await bob.sync()).body]
    expect(JSON.stringify(shown)).not.toContain(secret)
    const rows = await server.sql('ROOM', name(room), 'SELECT pdu FROM events')
    expect(JSON.stringify(rows)).not.toContain(secret)
    const archived = () => server.pg('select pdu from events where event_id = $1 and redacted', [id])
    await expect.poll(archived, { timeout: 5_000 }).toHaveLength(1)
    expect(JSON.stringify(await archived())).not.toContain(secret)
  })

  it('finds by its chain cover what a walk of the auth graph finds', async () => {
    for (let i = 0; i < 3; i += 1) {
      must(await bob.put(at(room, `typing/${encodeURIComponent(bob.userId)}`), { typing: false }))
      must(await alice.put(at(room, 'state/m.room.topic'), { topic: `${i}` }))
      must(await bob.post(at(room, 'leave')))
      must(await bob.join(room))
    }
    await expectChainCover(room)
  })
})

async function expectChainCover(room: string): Promise<void> {
  const rows = await server.sql(
    'ROOM',
    name(room),
    'SELECT event_id, chain, seq, pdu FROM events WHERE chain IS NOT NULL',
  )
  const links = await server.sql('ROOM', name(room), 'SELECT chain, seq, to_chain, to_seq FROM chain_links')
  const parents = new Map(
    rows.map((row) => [row.event_id as string, JSON.parse(row.pdu as string).auth_events as string[]]),
  )
  const walk = (id: string): Set<string> => {
    const found = new Set<string>()
    const open = [...(parents.get(id) ?? [])]
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (found.has(next)) continue
      found.add(next)
      open.push(...(parents.get(next) ?? []))
    }
    return found
  }
  const covered = (start: Body): Set<string> => {
    const reach = new Map<number, number>()
    const open: [number, number][] = [[start.chain, start.seq]]
    for (let place = open.pop(); place !== undefined; place = open.pop()) {
      const [chain, seq] = place
      if ((reach.get(chain) ?? 0) >= seq) continue
      reach.set(chain, seq)
      for (const link of links as Body[]) {
        if (link.chain === chain && link.seq <= seq) open.push([link.to_chain, link.to_seq])
      }
    }
    const within = rows.filter((row: Body) => row !== start && (reach.get(row.chain) ?? 0) >= row.seq)
    return new Set(within.map((row) => row.event_id as string))
  }
  expect(rows.length).toBeGreaterThan(8)
  // Since v12 the create event is no auth event: its id is the room's.
  for (const row of rows) expect(covered(row)).toEqual(walk(row.event_id as string))
}

describe('positions', () => {
  it('never go back, whether the object is evicted or the machine is killed', async () => {
    const room = await alice.createRoom()
    const newest = async () => {
      await alice.say(room, 'on')
      const [row] = await server.sql('ROOM', name(room), 'SELECT max(pos) AS pos FROM events')
      return row!.pos as number
    }
    const before = await newest()
    await server.evict('ROOM', name(room))
    const evicted = await newest()
    expect(evicted).toBeGreaterThan(before)
    await server.restart()
    const restarted = await newest()
    expect(restarted).toBeGreaterThan(evicted)
    const positions = await server.sql('ROOM', name(room), 'SELECT pos FROM events ORDER BY rowid')
    expect(new Set(positions.map(({ pos }) => pos)).size).toBe(positions.length)
  })
})

describe('the archive', () => {
  it("holds the Room's rows after a quiet moment", async () => {
    const room = await alice.createRoom({ preset: 'public_chat', topic: 'first' })
    must(await bob.join(room))
    await alice.say(room, 'one')
    must(await alice.put(at(room, 'state/m.room.topic'), { topic: 'second' }))
    must(await bob.post(at(room, 'leave')))
    const own = async (query: string) => server.sql('ROOM', name(room), query)
    const events = await own(
      'SELECT event_id, type, state_key, sender, rtrim(pdu) AS pdu, pos FROM events ORDER BY pos',
    )
    const theirs = async (columns: string, table: string) =>
      numbers(await server.pg(`select ${columns} from ${table} where room_id = $1 order by pos`, [room]))
    const archived = () => theirs('event_id, type, state_key, sender, pdu, pos', 'events')
    await expect.poll(archived, { timeout: 5_000 }).toEqual(events)
    const state =
      'SELECT type, state_key, event_id, from_pos AS pos FROM state WHERE to_pos IS NULL ORDER BY from_pos'
    expect(await theirs('type, state_key, event_id, pos', 'room_state')).toEqual(await own(state))
    const members = 'SELECT user_id, membership, event_id FROM members ORDER BY since_pos'
    expect(await theirs('user_id, membership, event_id', 'room_memberships')).toEqual(await own(members))
  })
})

/** Postgres answers its bigints as text. */
function numbers(rows: Record<string, unknown>[]): Record<string, unknown>[] {
  return rows.map((row) => ('pos' in row ? { ...row, pos: Number(row.pos) } : row))
}
