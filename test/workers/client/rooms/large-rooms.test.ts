/** Rooms whose state and history are more than a call between objects carries: nothing fails, nothing is left out. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type Body, type Client, must } from '../../../support/client.ts'
import { serving } from '../../../support/serving.ts'

const { server, http } = serving()
let alice: Client
let bob: Client
let large: string

/** Together more than 8 million characters: more than one value between objects may have. */
const KEYS = 140
/** So many of them change: more than a slice holds. */
const CHANGED = 40
const LENGTH = 60_000
const TYPE = 'com.example.large'
const filler = 'x'.repeat(LENGTH)

beforeAll(async () => {
  ;[alice, bob] = await Promise.all([http.register('alice'), http.register('bob')])
  large = await alice.createRoom({
    preset: 'public_chat',
    initial_state: [{ type: 'm.room.history_visibility', content: { history_visibility: 'world_readable' } }],
  })
  await inTurns(KEYS, (n) => alice.put(at(large, `/state/${TYPE}/${n}`), { filler, n }).then(must))
}, 120_000)

const at = (roomId: string, rest: string) => `/rooms/${encodeURIComponent(roomId)}${rest}`
const largeKeys = (events: Body[]) =>
  events.filter(({ type }) => type === TYPE).map(({ state_key }) => Number(state_key))
const allKeys = Array.from({ length: KEYS }, (_, n) => n)
const sorted = (numbers: number[]) => [...numbers].sort((a, b) => a - b)

async function inTurns(count: number, work: (n: number) => Promise<unknown>): Promise<void> {
  const queue = Array.from({ length: count }, (_, n) => n)
  const worker = async () => {
    for (let n = queue.shift(); n !== undefined; n = queue.shift()) await work(n)
  }
  await Promise.all(Array.from({ length: 4 }, worker))
}

describe('a room with a large state', () => {
  it('shows all of it by /state', async () => {
    const { body } = must(await alice.get(at(large, '/state')))
    expect(sorted(largeKeys(body))).toEqual(allKeys)
    expect(body.find(({ type }: Body) => type === 'm.room.create').room_id).toBe(large)
  })

  it('pages through /messages by bytes, either way', async () => {
    for (const dir of ['b', 'f']) {
      const seen: number[] = []
      let pages = 0
      for (let from: string | undefined; ; pages += 1) {
        const { body } = must(await alice.get(at(large, '/messages'), { dir, limit: 1000, from }))
        seen.push(...largeKeys(body.chunk))
        if (body.end === undefined) break
        from = body.end
      }
      expect(sorted(seen)).toEqual(allKeys)
      expect(pages).toBeGreaterThan(1)
    }
  })

  it('shows the whole state around an event', async () => {
    const eventId = await alice.say(large, 'in the midst')
    const { body } = must(
      await alice.get(at(large, `/context/${encodeURIComponent(eventId)}`), { limit: 100 }),
    )
    expect(sorted(largeKeys(body.state))).toEqual(allKeys)
    expect(body.event.event_id).toBe(eventId)
    expect(body.events_before.length).toBeGreaterThan(0)
  })

  it('is in a first sync with all its state, in each form', async () => {
    for (const query of [{}, { use_state_after: true }]) {
      const { body } = must(await alice.sync(query))
      const { state, state_after, timeline } = body.rooms.join[large]
      const events = [...(state ?? state_after).events, ...(state ? timeline.events : [])]
      expect(sorted(largeKeys(events))).toEqual(allKeys)
      expect(timeline.limited).toBe(true)
    }
  })

  it('comes to a sync that waits while its user joins', async () => {
    const { next_batch: since } = must(await bob.sync()).body
    const polled = bob.sync({ since, timeout: 20_000 })
    must(await bob.join(large))
    const { body } = must(await polled)
    const { state, timeline } = body.rooms.join[large]
    expect(sorted(largeKeys([...state.events, ...timeline.events]))).toEqual(allKeys)
  })

  it('is in /initialSync, of all rooms and of this one', async () => {
    const { rooms } = must(await alice.get('/initialSync', { limit: 3 })).body
    const info = rooms.find(({ room_id }: Body) => room_id === large)
    expect(sorted(largeKeys(info.state))).toEqual(allKeys)
    expect(info.state[0].room_id).toBe(large)
    const one = must(await alice.get(at(large, '/initialSync'), { limit: 3 })).body
    expect(sorted(largeKeys(one.state))).toEqual(allKeys)
  })

  it('brings what changed in a gap', async () => {
    const { next_batch: since } = must(await alice.sync({ filter: '{"room":{"timeline":{"limit":1}}}' })).body
    await inTurns(CHANGED, (n) =>
      alice.put(at(large, `/state/${TYPE}/${n}`), { filler, again: n }).then(must),
    )
    await alice.say(large, 'the end')
    const { body } = must(await alice.sync({ since, filter: '{"room":{"timeline":{"limit":1}}}' }))
    const { state, timeline } = body.rooms.join[large]
    expect(timeline.limited).toBe(true)
    expect(sorted(largeKeys(state.events))).toEqual(allKeys.slice(0, CHANGED))
    expect(
      state.events.every(({ content, type }: Body) => type !== TYPE || content.again !== undefined),
    ).toBe(true)
  })
})

describe('a room with many large members', () => {
  const MEMBERS = 300
  /** As much as a member event may hold beside the profile. */
  const reason = 'x'.repeat(8_100)
  let crowded: string

  beforeAll(async () => {
    crowded = await alice.createRoom({ preset: 'public_chat' })
    const ban = (n: number) => ({ user_id: `@person${n}:${server.serverName}`, reason })
    await inTurns(MEMBERS, (n) => alice.post(at(crowded, '/ban'), ban(n)).then(must))
  }, 120_000)

  it('shows all of them by /members, and the joined ones by their names', async () => {
    const { chunk } = must(await alice.get(at(crowded, '/members'))).body
    expect(new Set(chunk.map(({ state_key }: Body) => state_key)).size).toBe(MEMBERS + 1)
    const joined = must(await alice.get(at(crowded, '/members'), { membership: 'join' })).body.chunk
    expect(joined.map(({ state_key }: Body) => state_key)).toEqual([alice.userId])
    const { body } = must(await alice.get(at(crowded, '/joined_members')))
    expect(Object.keys(body.joined)).toEqual([alice.userId])
  })

  it('is in a first sync with all of them', async () => {
    const { state, timeline } = must(await alice.sync()).body.rooms.join[crowded]
    const members = [...state.events, ...timeline.events].filter(({ type }) => type === 'm.room.member')
    expect(new Set(members.map(({ state_key }) => state_key)).size).toBe(MEMBERS + 1)
  })

  it('refuses more than a membership needs, on every path', async () => {
    const content = { membership: 'join', 'com.example.extra': 'x'.repeat(8_192) }
    const paths = [
      bob.put(at(crowded, `/state/m.room.member/${bob.userId}`), content),
      bob.post(at(crowded, '/join'), { 'com.example.extra': content['com.example.extra'] }),
      bob.post(at(crowded, '/join'), { reason: 'x'.repeat(8_192) }),
      alice.post(at(crowded, '/kick'), { user_id: alice.userId, reason: 'x'.repeat(8_192) }),
    ]
    for (const answer of paths) {
      const { status, body } = await answer
      expect([status, body.errcode]).toEqual([413, 'M_TOO_LARGE'])
      expect(body.error).toContain('8192 bytes')
    }
    must(await bob.put(`/profile/${bob.userId}/displayname`, { displayname: 'x'.repeat(1_000) }))
    must(await bob.join(crowded))
  })
})

describe('a room with long messages', () => {
  const MESSAGES = 45
  let long: string
  let root: string
  let said: string[]

  beforeAll(async () => {
    long = await alice.createRoom({ preset: 'public_chat' })
    must(await bob.join(long))
    root = await alice.say(long, 'the root of a thread')
    said = []
    for (let n = 0; n < MESSAGES; n += 1) {
      const content = {
        msgtype: 'm.text',
        body: `findable${n} ${filler}`,
        'm.mentions': { user_ids: [alice.userId] },
        'm.relates_to': { rel_type: 'm.thread', event_id: root },
      }
      said.push(must(await bob.put(at(long, `/send/m.room.message/long${n}`), content)).body.event_id)
    }
  }, 120_000)

  /** All ids of a list, page by page, and how many pages that took. */
  async function walk(
    page: (from: string | undefined) => Promise<{ ids: string[]; next: string | undefined }>,
  ): Promise<{ ids: string[]; pages: number }> {
    const all: string[] = []
    let from: string | undefined
    let pages = 0
    do {
      const { ids, next } = await page(from)
      all.push(...ids)
      from = next
      pages += 1
    } while (from !== undefined && pages < 100)
    return { ids: all, pages }
  }
  const idsOf = (events: Body[]) => events.map(({ event_id }) => event_id)

  it('shows them in shorter pages: /relations, /notifications, /messages', async () => {
    const lists: Record<string, (from?: string) => Promise<{ ids: string[]; next: string | undefined }>> = {
      relations: async (from) => {
        const path = at(long, `/relations/${encodeURIComponent(root)}`).replace(
          '/rooms/',
          '/_matrix/client/v1/rooms/',
        )
        const { body } = must(await alice.get(path, { from, limit: 1000 }))
        return { ids: idsOf(body.chunk), next: body.next_batch }
      },
      notifications: async (from) => {
        const { body } = must(await alice.get('/notifications', { from, limit: 100 }))
        const here = body.notifications.filter(({ room_id }: Body) => room_id === long)
        return { ids: idsOf(here.map(({ event }: Body) => event)), next: body.next_token }
      },
      messages: async (from) => {
        const { body } = must(await alice.get(at(long, '/messages'), { dir: 'b', from, limit: 1000 }))
        return { ids: idsOf(body.chunk).filter((id) => said.includes(id)), next: body.end }
      },
    }
    for (const [name, page] of Object.entries(lists)) {
      const { ids, pages } = await walk(page)
      expect(ids, name).toEqual(said.toReversed())
      expect(pages, name).toBeGreaterThan(1)
    }
  })

  it('is in a sync with fewer of them, behind a gap', async () => {
    const filter = JSON.stringify({ room: { timeline: { limit: 100 } } })
    const { timeline } = must(await alice.sync({ filter })).body.rooms.join[long]
    expect(timeline.limited).toBe(true)
    expect(idsOf(timeline.events)).toEqual(said.slice(-timeline.events.length))
    const { body } = must(
      await alice.get(at(long, '/messages'), { dir: 'b', from: timeline.prev_batch, limit: 1 }),
    )
    expect(body.chunk[0].event_id).toBe(said.at(-1 - timeline.events.length))
  })

  it('is found by a search, with the messages around', async () => {
    const room_events = {
      search_term: 'findable',
      keys: ['content.body'],
      filter: { rooms: [long], limit: 40 },
      event_context: { before_limit: 5, after_limit: 5 },
      include_state: true,
    }
    const { body } = must(await alice.post('/search', { search_categories: { room_events } }))
    expect(body.search_categories.room_events.state[long].length).toBeGreaterThan(3)
  })
})
