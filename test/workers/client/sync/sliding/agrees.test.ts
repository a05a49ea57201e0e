/**
 * Sliding sync and /sync tell of the same history: a client of either ends with the same, whatever it asked for, however
 * many answers were lost, and whatever left the memory. Histories are drawn by a seed: `SLIDING_SEED` repeats one,
 * `SLIDING_RUNS` says how many there are.
 */
import { expect, it } from 'vitest'
import { choicesFrom } from '../../../../durable-objects/interleavings/random.ts'
import { type Body, type Client, must } from '../../../../support/client.ts'
import { serving } from '../../../../support/serving.ts'
import { FIELDS, History } from './history.ts'
import type { Mirror, MirrorRoom } from './mirror.ts'

const FIRST_SEED = Number(process.env.SLIDING_SEED ?? 1)
const RUNS = Number(process.env.SLIDING_RUNS ?? 4)
const STEPS = 140
/** More rooms than a token names: with so many, epochs begin. */
const MANY_ROOMS = 40

const { server, http } = serving([], { presence: 'off' })

/** What /sync has of a user, read at once. */
async function oracle(client: Client): Promise<Body> {
  const filter = { room: { timeline: { limit: 1000 }, include_leave: true } }
  return must(await client.sync({ filter: JSON.stringify(filter) })).body
}

const stateOf = (events: Body[]) =>
  Object.fromEntries(events.map(({ type, state_key, event_id }) => [`${type} ${state_key}`, event_id]))

const contentsOf = (events: Body[]) => Object.fromEntries(events.map(({ type, content }) => [type, content]))

it.each(Array.from({ length: RUNS }, (_, n) => FIRST_SEED + n))(
  'in history %i',
  async (seed) => {
    console.log(`SLIDING_SEED=${seed}`)
    const [alice, bob] = [await http.register(`alice${seed}`), await http.register(`bob${seed}`)]
    const history = new History({ server, http, alice, bob }, choicesFrom(seed))
    await history.begin(seed % 4 === 0 ? MANY_ROOMS : 5)
    for (let step = 0; step < STEPS; step += 1) await history.happen()
    await history.end()
    const truth = await oracle(alice)
    for (const [index, { mirror, fields }] of history.sides.entries()) {
      await compare(history, mirror, truth, `connection ${index}`)
      await compareProfiles(history, mirror, fields ?? FIELDS)
    }
    expect(history.sides[0]?.mirror.messages, history.log.join('\n')).toEqual(history.sent)

    async function compare(
      { log, rooms: made }: History,
      mirror: Mirror,
      { rooms, account_data }: Body,
      side: string,
    ): Promise<void> {
      const why = `${side}\n${log.join('\n')}`
      expect(mirror.complaints, why).toEqual([])
      const shown = (wanted: string) =>
        [...mirror.rooms].filter(([, { membership }]) => membership === wanted).map(([roomId]) => roomId)
      expect(shown('join').sort(), why).toEqual(Object.keys(rooms.join ?? {}).sort())
      expect(shown('invite').sort(), why).toEqual(Object.keys(rooms.invite ?? {}).sort())
      for (const roomId of [...shown('leave'), ...shown('ban')])
        expect(Object.keys(rooms.leave ?? {}), why).toContain(roomId)
      for (const [roomId, room] of Object.entries<Body>(rooms.join ?? {}))
        await compareRoom(roomId, room, mirror.rooms.get(roomId), `room ${made.indexOf(roomId)}, ${why}`)
      expect(Object.fromEntries(mirror.data), why).toEqual(contentsOf(account_data.events))
    }

    /** What was changed since the beginning has come; what else the client has is as it is. */
    async function compareProfiles(
      { log, touched }: History,
      { profiles }: Mirror,
      fields: string[],
    ): Promise<void> {
      for (const { userId } of [alice, bob]) {
        const truth = must(await http.request('GET', `/_matrix/client/v3/profile/${userId}`)).body
        const mine = profiles.get(userId) ?? new Map<string, unknown>()
        const wanted = fields.filter(
          (field) => mine.has(field) || touched.has(JSON.stringify([userId, field])),
        )
        const shown = (values: Body) => wanted.map((field) => [field, values[field]])
        expect(shown(Object.fromEntries(mine)), `${userId}\n${log.join('\n')}`).toEqual(shown(truth))
      }
    }

    async function compareRoom(
      roomId: string,
      room: Body,
      mine: MirrorRoom | undefined,
      why: string,
    ): Promise<void> {
      const all: string[] = room.timeline.events.map(({ event_id }: Body) => event_id)
      const length = mine?.timeline.length ?? 0
      expect(length, why).toBeGreaterThan(0)
      expect(mine?.timeline, why).toEqual(all.slice(all.length - length))
      const state = must(await alice.get(`/rooms/${encodeURIComponent(roomId)}/state`)).body
      expect(Object.fromEntries(mine?.state ?? []), why).toEqual(stateOf(state))
      const { 'm.joined_member_count': joined, 'm.invited_member_count': invited } = room.summary
      expect([mine?.joined, mine?.invited], why).toEqual([joined, invited])
      expect(mine?.unread, why).toBe(room.unread_notifications.notification_count)
      expect(Object.fromEntries(mine?.data ?? []), why).toEqual(contentsOf(room.account_data.events))
    }
  },
  // With evictions, on a machine that does other things besides.
  300_000,
)
