/** What happens in rooms of three people, drawn by a seed: it is said, read, redacted, and people come and go. */
import { type Body, type Client, must } from '../../../support/client.ts'
import { objectName, type TestServer } from '../../../support/server.ts'

export interface Sent {
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

export interface Cast {
  server: TestServer
  alice: Client
  bob: Client
  carol: Client
  /** A room in which nothing else happens. */
  lobby: string
  rooms: string[]
}

export class Happenings {
  readonly log: string[] = []
  readonly sent: Sent[] = []
  /** How many steps there were. */
  step = 0
  /** The last step that changed what notifies, or who is where. */
  turned = 0
  readonly #roll: (sides: number) => number
  readonly #server: TestServer
  readonly #alice: Client
  readonly #bob: Client
  readonly #carol: Client
  readonly #rooms: string[]

  constructor(seed: number, { server, alice, bob, carol, rooms }: Cast) {
    this.#roll = dice(seed)
    this.#server = server
    this.#alice = alice
    this.#bob = bob
    this.#carol = carol
    this.#rooms = rooms
  }

  async happen(): Promise<void> {
    this.step += 1
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
    this.log.push(`${this.step}: ${await this.#one(acts)()}`)
  }

  #one<T>(of: readonly T[]): T {
    return of[this.#roll(of.length)] as T
  }

  async #turn(act: () => Promise<string>): Promise<string> {
    this.turned = this.step
    return act()
  }

  async send(by: Client, room: string, content: Body, root?: string): Promise<string> {
    const path = `/rooms/${encodeURIComponent(room)}/send/m.room.message/s${this.step}-${this.sent.length}`
    const { status, body } = await by.put(path, content)
    if (status !== 200) return `refused (${status})`
    this.sent.push({ room, id: body.event_id, sender: by, step: this.step, ...(root && { root }) })
    return body.event_id
  }

  async #say(): Promise<string> {
    const [by, room] = [this.#one([this.#bob, this.#carol]), this.#one(this.#rooms)]
    const body = this.#one(['hello', 'a keyword here', 'loud Alice', 'quiet'])
    const content: Body = { msgtype: this.#one(['m.text', 'm.text', 'm.text', 'm.notice']), body }
    if (this.#roll(4) === 0) content['m.mentions'] = { user_ids: [this.#alice.userId] }
    if (this.#roll(6) === 0) content['m.mentions'] = { room: true }
    return `${by.userId} says "${body}" in ${room}: ${await this.send(by, room, content)}`
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
    return `${by.userId}: ${rel_type} of ${relation.event_id}: ${await this.send(by, target.room, content, root)}`
  }

  async #answer(): Promise<string> {
    const room = this.#one(this.#rooms)
    const inThread = this.sent.find((one) => one.room === room && one.root !== undefined)?.root
    const relation =
      inThread && this.#roll(2) === 0 ? { rel_type: 'm.thread', event_id: inThread } : undefined
    const content = { msgtype: 'm.text', body: 'mine', ...(relation && { 'm.relates_to': relation }) }
    const root = relation?.event_id
    return `alice speaks in ${room} ${root ?? ''}: ${await this.send(this.#alice, room, content, root)}`
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
    const path = `/rooms/${encodeURIComponent(event.room)}/redact/${encodeURIComponent(event.id)}/r${this.step}`
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
    const user = objectName.user(this.#server.serverName, this.#alice.userId)
    const room = this.#one(this.#rooms)
    if (this.#roll(2) === 0) await this.#server.evict('USER', user)
    else await this.#server.evict('ROOM', objectName.room(this.#server.serverName, room))
    return `an eviction (${room})`
  }
}
