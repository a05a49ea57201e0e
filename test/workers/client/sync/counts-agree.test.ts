/**
 * What /sync, /notifications, pushes and the number on the device say of the same history: they must agree, whatever
 * has happened. Histories are drawn by a seed: `COUNTS_SEED` repeats one, `COUNTS_RUNS` says how many there are.
 */
import { describe, expect, it } from 'vitest'
import { type Body, must } from '../../../support/client.ts'
import { pushGateway, setPusher } from '../../../support/push-gateway.ts'
import { objectName } from '../../../support/server.ts'
import { serving } from '../../../support/serving.ts'
import { type Cast, Happenings } from './happenings.ts'

const FIRST_SEED = Number(process.env.COUNTS_SEED ?? 1)
const RUNS = Number(process.env.COUNTS_RUNS ?? 3)
const STEPS = 48
const LOOK_EVERY = 6

const gateway = pushGateway()
const { server, http } = serving([], { presence: 'off', 'allow-private-networks': 'on' })

class History {
  readonly #happenings: Happenings
  readonly #cast: Cast
  readonly #pushkey: string
  #since = ''
  /** Before the first look nothing has been told. */
  #looked = -1

  constructor(seed: number, cast: Cast, pushkey: string) {
    this.#happenings = new Happenings(seed, cast)
    this.#cast = cast
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
    const [lobby = '', ...others] = rooms
    const history = new History(seed, { server, alice, bob, carol, lobby, rooms: others }, pushkey)
    await history.#settle()
    history.#since = must(await alice.sync()).body.next_batch
    return history
  }

  happen(): Promise<void> {
    return this.#happenings.happen()
  }

  /** Compares the four. */
  async look(): Promise<void> {
    await this.#settle()
    const sync = await this.#bySync()
    const { byRoom, unread } = await this.#byNotifications()
    const increment = must(await this.#cast.alice.sync({ since: this.#since })).body
    const why = this.#happenings.log.join('\n')
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
    if (this.#happenings.turned <= this.#looked) expect(told, `the number told\n${why}`).toBe(sum)
    else expect(told, `the number told has not fallen\n${why}`).toBeLessThanOrEqual(sum)
    const pushed = new Set(gateway.events(this.#pushkey))
    for (const { id, step, room } of this.#happenings.sent) {
      if (step > this.#happenings.turned && unread.has(id) && room !== this.#cast.lobby)
        expect(pushed, `${id} was pushed\n${why}`).toContain(id)
    }
    await this.#ping(sum)
    this.#looked = this.#happenings.step
  }

  /** With the next push the number is right, whatever came before. */
  async #ping(sum: number): Promise<void> {
    const id = await this.#happenings.send(this.#cast.bob, this.#cast.lobby, {
      msgtype: 'm.text',
      body: 'ping',
    })
    await expect.poll(() => gateway.events(this.#pushkey), { timeout: 10_000 }).toContain(id)
    expect(gateway.number(this.#pushkey), `the number of a push\n${this.#happenings.log.join('\n')}`).toBe(
      sum + 1,
    )
  }

  async #settle(): Promise<void> {
    const user = objectName.user(server.serverName, this.#cast.alice.userId)
    const left = async () => {
      const behind = 'SELECT 1 FROM push_members WHERE has_read = 1 OR pos < (SELECT max(pos) FROM events)'
      const rooms = await Promise.all(
        [this.#cast.lobby, ...this.#cast.rooms].map((room) =>
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
    const { rooms } = must(await this.#cast.alice.sync({ filter })).body
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
      const page: Body = must(await this.#cast.alice.get('/notifications', { limit: 100, from })).body
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
}

describe('/sync, /notifications, pushes and the number on the device', () => {
  const seeds = Array.from({ length: RUNS }, (_, n) => FIRST_SEED + n)
  it.each(seeds)('agree after any history: seed %i', { timeout: 240_000 }, async (seed) => {
    const history = await History.begin(seed)
    for (let step = 1; step <= STEPS; step += 1) {
      await history.happen()
      if (step % LOOK_EVERY === 0) await history.look()
    }
  })
})
