/**
 * What /sync, /notifications, pushes and the number on the device say of the same history: they must agree, whatever
 * has happened. Histories are drawn by a seed: `COUNTS_SEED` repeats one, `COUNTS_RUNS` says how many there are.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, api, type Body, type Client, must } from '../../../support/client.ts'
import { type Gateway, setPusher, startGateway } from '../../../support/push-gateway.ts'
import { objectName, startServer, type TestServer } from '../../../support/server.ts'

const FIRST_SEED = Number(process.env.COUNTS_SEED ?? 1)
const RUNS = Number(process.env.COUNTS_RUNS ?? 3)
const STEPS = 48
const LOOK_EVERY = 6

let server: TestServer
let gateway: Gateway
let http: Api

beforeAll(async () => {
  server = await startServer({ presence: 'off', 'allow-private-networks': 'on' })
  gateway = await startGateway()
  http = api(server)
})
afterAll(async () => {
  await server?.stop()
  gateway.stop()
})

interface Sent {
  room: string
  id: string
  sender: Client
  /** The root of its thread. */
  root?: string
  step: number
}

/** Numbers below a bound, the same for the same seed. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % sides
  }
}

class History {
  readonly log: string[] = []
  readonly sent: Sent[] = []
  readonly #roll: (sides: number) => number
  readonly #alice: Client
  readonly #bob: Client
  readonly #carol: Client
  readonly #rooms: string[]
  /** A room in which nothing else happens. */
  readonly #lobby: string
  readonly #pushkey: string
  #step = 0
  /** The last step that changed what notifies, or who is where. */
  #turned = 0
  #since = ''

  constructor(seed: number, people: [Client, Client, Client], rooms: string[], pushkey: string) {
    this.#roll = dice(seed)
    const [alice, bob, carol] = people
    this.#alice = alice
    this.#bob = bob
    this.#carol = carol
    this.#lobby = rooms[0] as string
    this.#rooms = rooms.slice(1)
    this.#pushkey = pushkey
  }

  static async begin(seed: number): Promise<History> {
    const [alice, bob, carol] = [
      await http.register(`alice${seed}`),
      await http.register(`bob${seed}`),
      await http.register(`carol${seed}`),
    ]
    const rooms: string[] = []
    for (const members of [[alice], [alice], [alice, carol], [alice, carol]]) {
      const room = await bob.createRoom({ preset: 'public_chat' })
      for (const member of members) must(await member.join(room))
      rooms.push(room)
    }
    // The first pusher knows nothing of before.
    await bob.say(rooms[1] as string, 'before')
    // Whatever the rules come to say, of the lobby they tell.
    const conditions = [{ kind: 'event_match', key: 'room_id', pattern: rooms[0] }]
    must(await alice.put('/pushrules/global/override/lobby', { conditions, actions: ['notify'] }))
    const pushkey = `agree${seed}`
    await setPusher(alice, gateway, pushkey)
    const history = new History(seed, [alice, bob, carol], rooms, pushkey)
    await history.#settle()
    history.#since = must(await alice.sync()).body.next_batch
    return history
  }

  async step(): Promise<void> {
    this.#step += 1
    const acts = [
      ...Array<() => Promise<string>>(6).fill(() => this.#say()),
      ...Array<() => Promise<string>>(4).fill(() => this.#read()),
      ...Array<() => Promise<string>>(2).fill(() => this.#relate()),
      () => this.#redact(),
      () => this.#redact(),
      () => this.#answer(),
      () => this.#turn(() => this.#stay()),
      () => this.#turn(() => this.#stay()),
      () => this.#turn(() => this.#others()),
      () => this.#turn(() => this.#rule()),
      () => this.#turn(() => this.#rule()),
      () => this.#turn(() => this.#ignore()),
      () => this.#turn(() => this.#rename()),
      () => this.#evict(),
    ]
    this.log.push(`${this.#step}: ${await this.#one(acts)()}`)
  }

  /** Compares the four. */
  async look(): Promise<void> {
    await this.#settle()
    const sync = await this.#bySync()
    const { byRoom, unread } = await this.#byNotifications()
    const increment = must(await this.#alice.sync({ since: this.#since })).body
    const why = this.log.join('\n')
    expect(byRoom, `/notifications and /sync\n${why}`).toEqual(sync)
    for (const [room, { unread_notifications: counts }] of Object.entries<Body>(
      increment.rooms?.join ?? {},
    )) {
      if (counts !== undefined)
        expect(counts.notification_count, `an increment of ${room}\n${why}`).toBe(sync[room] ?? 0)
    }
    this.#since = increment.next_batch
    const sum = Object.values(sync).reduce((total, n) => total + n, 0)
    const told = gateway.number(this.#pushkey) ?? 0
    if (this.#turned <= this.#looked) expect(told, `the number told\n${why}`).toBe(sum)
    else expect(told, `the number told has not fallen\n${why}`).toBeLessThanOrEqual(sum)
    const pushed = new Set(gateway.events(this.#pushkey))
    for (const { id, step, room } of this.sent) {
      if (step > this.#turned && unread.has(id) && room !== this.#lobby)
        expect(pushed, `${id} was pushed\n${why}`).toContain(id)
    }
    await this.#ping(sum)
    this.#looked = this.#step
  }
  /** Before the first look nothing has been told. */
  #looked = -1

  /** With the next push the number is right, whatever came before. */
  async #ping(sum: number): Promise<void> {
    const id = await this.#send(this.#bob, this.#lobby, { msgtype: 'm.text', body: 'ping' })
    await expect.poll(() => gateway.events(this.#pushkey), { timeout: 10_000 }).toContain(id)
    expect(gateway.number(this.#pushkey), `the number of a push\n${this.log.join('\n')}`).toBe(sum + 1)
  }

  async #settle(): Promise<void> {
    const user = objectName.user(server.serverName, this.#alice.userId)
    const left = async () => {
      const behind = 'SELECT 1 FROM push_members WHERE has_read = 1 OR pos < (SELECT max(pos) FROM events)'
      const rooms = await Promise.all(
        [this.#lobby, ...this.#rooms].map((room) =>
          server.sql('ROOM', objectName.room(server.serverName, room), behind),
        ),
      )
      const jobs = await server.sql('USER', user, 'SELECT 1 FROM room_jobs')
      return [...rooms.flat(), ...jobs, ...(await server.sql('USER', user, 'SELECT 1 FROM push_queue'))]
    }
    await expect.poll(left, { timeout: 15_000 }).toEqual([])
    // Nothing left at two looks: what ended at the first had told the next by the second.
    await expect.poll(left, { timeout: 15_000 }).toEqual([])
  }

  async #bySync(): Promise<Record<string, number>> {
    const filter = JSON.stringify({ room: { timeline: { limit: 1, unread_thread_notifications: true } } })
    const { rooms } = must(await this.#alice.sync({ filter })).body
    const found: Record<string, number> = {}
    for (const [room, section] of Object.entries<Body>(rooms?.join ?? {})) {
      const threads = Object.values<Body>(section.unread_thread_notifications ?? {})
      const counts = [section.unread_notifications, ...threads].map((one) => one.notification_count)
      const sum = counts.reduce((total, n) => total + n, 0)
      if (sum > 0) found[room] = sum
    }
    return found
  }

  async #byNotifications(): Promise<{ byRoom: Record<string, number>; unread: Set<string> }> {
    const byRoom: Record<string, number> = {}
    const unread = new Set<string>()
    for (let from: string | undefined = undefined, more = true; more; ) {
      const page: Body = must(await this.#alice.get('/notifications', { limit: 100, from })).body
      for (const { read, room_id: room, event } of page.notifications) {
        if (read) continue
        byRoom[room] = (byRoom[room] ?? 0) + 1
        unread.add(event.event_id)
      }
      from = page.next_token
      more = from !== undefined
    }
    return { byRoom, unread }
  }

  // ------------------------------------------------------------ what happens

  #one<T>(of: readonly T[]): T {
    return of[this.#roll(of.length)] as T
  }

  async #turn(act: () => Promise<string>): Promise<string> {
    this.#turned = this.#step
    return act()
  }

  async #send(by: Client, room: string, content: Body, root?: string): Promise<string> {
    const path = `/rooms/${encodeURIComponent(room)}/send/m.room.message/s${this.#step}-${this.sent.length}`
    const { status, body } = await by.put(path, content)
    if (status !== 200) return `refused (${status})`
    this.sent.push({ room, id: body.event_id, sender: by, step: this.#step, ...(root && { root }) })
    return body.event_id
  }

  async #say(): Promise<string> {
    const [by, room] = [this.#one([this.#bob, this.#carol]), this.#one(this.#rooms)]
    const body = this.#one(['hello', 'a keyword here', 'loud Alice', 'quiet'])
    const content: Body = { msgtype: this.#one(['m.text', 'm.text', 'm.text', 'm.notice']), body }
    if (this.#roll(4) === 0) content['m.mentions'] = { user_ids: [this.#alice.userId] }
    if (this.#roll(6) === 0) content['m.mentions'] = { room: true }
    return `${by.userId} says "${body}" in ${room}: ${await this.#send(by, room, content)}`
  }

  /** Something about an event: in its thread, an edit, a reference. */
  async #relate(): Promise<string> {
    const target = this.sent.length === 0 ? undefined : this.#one(this.sent)
    if (target === undefined) return 'nothing to relate to'
    const rel_type = this.#one(['m.thread', 'm.thread', 'm.replace', 'm.reference'])
    const root = rel_type === 'm.thread' ? (target.root ?? target.id) : target.root
    const relation = { rel_type, event_id: rel_type === 'm.thread' ? root : target.id }
    const by = rel_type === 'm.replace' ? target.sender : this.#one([this.#bob, this.#carol])
    const content: Body = { msgtype: 'm.text', body: 'about it', 'm.relates_to': relation }
    if (rel_type === 'm.replace') content['m.new_content'] = { msgtype: 'm.text', body: 'better' }
    return `${by.userId}: ${rel_type} of ${relation.event_id}: ${await this.#send(by, target.room, content, root)}`
  }

  async #answer(): Promise<string> {
    const room = this.#one(this.#rooms)
    const inThread = this.sent.find((one) => one.room === room && one.root !== undefined)?.root
    const relation =
      inThread && this.#roll(2) === 0 ? { rel_type: 'm.thread', event_id: inThread } : undefined
    const content = { msgtype: 'm.text', body: 'mine', ...(relation && { 'm.relates_to': relation }) }
    const root = relation?.event_id
    return `alice speaks in ${room} ${root ?? ''}: ${await this.#send(this.#alice, room, content, root)}`
  }

  async #read(): Promise<string> {
    const event = this.sent.length === 0 ? undefined : this.#one(this.sent.slice(-12))
    if (event === undefined) return 'nothing to read'
    const type = this.#one(['m.read', 'm.read.private'])
    const thread_id = this.#one([undefined, undefined, event.root ?? 'main'])
    const path = `/rooms/${encodeURIComponent(event.room)}/receipt/${type}/${encodeURIComponent(event.id)}`
    const { status } = await this.#alice.post(path, thread_id === undefined ? {} : { thread_id })
    return `alice ${type} ${event.id} in ${thread_id}: ${status}`
  }

  async #redact(): Promise<string> {
    const event = this.sent.length === 0 ? undefined : this.#one(this.sent)
    if (event === undefined) return 'nothing to redact'
    const by = this.#one([this.#bob, event.sender])
    const path = `/rooms/${encodeURIComponent(event.room)}/redact/${encodeURIComponent(event.id)}/r${this.#step}`
    return `${by.userId} redacts ${event.id}: ${(await by.put(path, {})).status}`
  }

  async #stay(): Promise<string> {
    const room = this.#one(this.#rooms)
    const at = (rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`
    const alice = { user_id: this.#alice.userId }
    const comeBack = () => this.#bob.post(at('unban'), alice).then(() => this.#alice.join(room))
    const [name, act] = this.#one<[string, () => Promise<Body>]>([
      ['leaves', () => this.#alice.post(at('leave'))],
      ['leaves and forgets', () => this.#alice.post(at('leave')).then(() => this.#alice.post(at('forget')))],
      ['is kicked from', () => this.#bob.post(at('kick'), alice)],
      ['is banned from', () => this.#bob.post(at('ban'), alice)],
      ['comes back to', comeBack],
      ['comes back to', comeBack],
      ['joins', () => this.#alice.join(room)],
    ])
    return `alice ${name} ${room}: ${(await act()).status}`
  }

  /** Who else is there, and what they may do. */
  async #others(): Promise<string> {
    const room = this.#one(this.#rooms)
    const at = (rest: string) => `/rooms/${encodeURIComponent(room)}/${rest}`
    const [name, act] = this.#one<[string, () => Promise<Body>]>([
      ['carol joins', () => this.#carol.join(room)],
      ['carol leaves', () => this.#carol.post(at('leave'))],
      [
        'bob moves the levels of',
        async () => {
          const levels = (await this.#bob.get(at('state/m.room.power_levels/'))).body
          return this.#bob.put(at('state/m.room.power_levels/'), {
            ...levels,
            notifications: { room: this.#one([0, 50]) },
          })
        },
      ],
    ])
    return `${name} ${room}: ${(await act()).status}`
  }

  async #rule(): Promise<string> {
    const room = encodeURIComponent(this.#one(this.#rooms))
    const own = (kind: string, id: string) => `/pushrules/global/${kind}/${id}`
    const count = [{ kind: 'room_member_count', is: this.#one(['2', '>2']) }]
    const name = [{ kind: 'contains_display_name' }]
    const [path, body] = this.#one<[string, Body]>([
      [own('room', room), { actions: [] }],
      [own('room', room), undefined],
      [own('content', 'keyword'), { pattern: 'keyword', actions: this.#one([[], ['notify']]) }],
      [own('content', 'keyword'), undefined],
      [own('override', 'count?after=lobby'), { conditions: count, actions: this.#one([[], ['notify']]) }],
      [own('override', 'count'), undefined],
      [own('override', 'name?after=lobby'), { conditions: name, actions: [] }],
      [own('override', 'name'), undefined],
      [own('underride', '.m.rule.message/enabled'), { enabled: this.#roll(2) === 0 }],
      [own('override', '.m.rule.suppress_edits/enabled'), { enabled: this.#roll(2) === 0 }],
    ])
    const { status } = body === undefined ? await this.#alice.delete(path) : await this.#alice.put(path, body)
    return `alice sets ${path} ${JSON.stringify(body)}: ${status}`
  }

  async #ignore(): Promise<string> {
    const ignored_users = this.#roll(2) === 0 ? { [this.#carol.userId]: {} } : {}
    const path = `/user/${encodeURIComponent(this.#alice.userId)}/account_data/m.ignored_user_list`
    must(await this.#alice.put(path, { ignored_users }))
    return `alice ignores ${JSON.stringify(ignored_users)}`
  }

  async #rename(): Promise<string> {
    const displayname = this.#one(['Alice', 'loud', 'hello', 'Nobody'])
    must(
      await this.#alice.put(`/profile/${encodeURIComponent(this.#alice.userId)}/displayname`, {
        displayname,
      }),
    )
    return `alice is called ${displayname}`
  }

  async #evict(): Promise<string> {
    const user = objectName.user(server.serverName, this.#alice.userId)
    const room = this.#one(this.#rooms)
    if (this.#roll(2) === 0) await server.evict('USER', user)
    else await server.evict('ROOM', objectName.room(server.serverName, room))
    return `an eviction (${room})`
  }
}

describe('/sync, /notifications, pushes and the number on the device', () => {
  const seeds = Array.from({ length: RUNS }, (_, n) => FIRST_SEED + n)
  it.each(seeds)('agree after any history: seed %i', { timeout: 120_000 }, async (seed) => {
    const history = await History.begin(seed)
    for (let step = 1; step <= STEPS; step += 1) {
      await history.step()
      if (step % LOOK_EVERY === 0) await history.look()
    }
  })
})
