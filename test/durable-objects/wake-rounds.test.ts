/** Rooms that wake their subscribers together: who calls, when, and what becomes of a call that is lost (decision 41). */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Lateness } from '../../durable-objects/lateness.ts'
import { Parcel, type WakeAnswer, type WakeCaller, WakeRounds } from '../../durable-objects/wake-rounds.ts'
import type { Wake } from '../../src/objects/user/sync.ts'

const SPACING_MS = 20
const PAUSE_MS = 500
const SILENCE_MS = 2_000
const PATIENCE_MS = 8_000
const TAKEN = { unsubscribe: false }

beforeEach(() => {
  vi.useFakeTimers()
})

afterEach(() => {
  vi.useRealTimers()
})

/** Rounds of a machine with a pause. */
function roundsOf(pause: number): WakeRounds {
  const lateness = new Lateness()
  vi.spyOn(lateness, 'pause').mockReturnValue(pause)
  return new WakeRounds(lateness)
}

const wakeOf = (roomId: string, to = 1): Wake => ({ roomId, from: 0, to })

/** A Room that notes its calls, as `user: rooms`. */
class FakeRoom implements WakeCaller {
  readonly calls: string[] = []
  answer: (userId: string) => Promise<WakeAnswer> = async () => TAKEN

  async wakeTogether(userId: string, wakes: Wake[]): Promise<WakeAnswer[]> {
    this.calls.push(`${userId}: ${wakes.map(({ roomId, to }) => `${roomId}${to}`).join(' ')}`)
    const answer = await this.answer(userId)
    return wakes.map(() => answer)
  }

  now(): number {
    return Date.now()
  }
}

function joined(rounds: WakeRounds, room: FakeRoom, userIds: string[], wake: Wake): Parcel {
  const parcel = new Parcel(userIds, wake)
  rounds.join(parcel, room)
  return parcel
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

it('wakes of a machine that keeps up leave by themselves', () => {
  expect(roundsOf(0).gathers(Date.now())).toBe(false)
  expect(roundsOf(PAUSE_MS).gathers(Date.now())).toBe(true)
})

it('one Room calls each user once, with what all Rooms have for them', async () => {
  const rounds = roundsOf(PAUSE_MS)
  const [one, other] = [new FakeRoom(), new FakeRoom()]
  const parcels = [
    joined(rounds, one, ['ann', 'ben'], wakeOf('A')),
    joined(rounds, other, ['ben', 'cid'], wakeOf('B')),
  ]
  await pass(SPACING_MS)
  expect(one.calls).toEqual(['ann: A1', 'ben: A1 B1', 'cid: B1'])
  expect(other.calls).toEqual([])
  expect(parcels.map((parcel) => parcel.take())).toEqual([
    [
      ['ann', TAKEN],
      ['ben', TAKEN],
    ],
    [
      ['ben', TAKEN],
      ['cid', TAKEN],
    ],
  ])
  expect(parcels.every(({ isOver }) => isOver)).toBe(true)
})

it('a user that was called waits for the end of the pause, and others do not', async () => {
  const rounds = roundsOf(PAUSE_MS)
  const room = new FakeRoom()
  joined(rounds, room, ['ann'], wakeOf('A'))
  await pass(SPACING_MS)
  joined(rounds, room, ['ann', 'ben'], wakeOf('A', 2))
  joined(rounds, room, ['ann'], wakeOf('B'))
  await pass(PAUSE_MS - SPACING_MS)
  expect(room.calls).toEqual(['ann: A1', 'ben: A2'])
  await pass(2 * SPACING_MS)
  expect(room.calls).toEqual(['ann: A1', 'ben: A2', 'ann: A2 B1'])
})

it('what is taken back is not told, but for those who were called', async () => {
  const rounds = roundsOf(PAUSE_MS)
  const room = new FakeRoom()
  joined(rounds, room, ['ann'], wakeOf('A'))
  await pass(SPACING_MS)
  const parcel = joined(rounds, room, ['ann', 'ben'], wakeOf('A', 2))
  await pass(SPACING_MS)
  expect(rounds.withdraw(parcel)).toEqual(['ann'])
  joined(rounds, room, ['ann'], wakeOf('A', 3))
  await pass(2 * PAUSE_MS)
  expect(room.calls).toEqual(['ann: A1', 'ben: A2', 'ann: A3'])
  expect(parcel.take()).toEqual([['ben', TAKEN]])
  expect(parcel.isOver).toBe(true)
})

it('a user that is asked takes what waits without a call, and is called a pause after that', async () => {
  const rounds = roundsOf(PAUSE_MS)
  const room = new FakeRoom()
  const parcel = joined(rounds, room, ['ann', 'ben'], wakeOf('A'))
  expect(rounds.takeFor('ann', Date.now())).toEqual([parcel])
  expect(rounds.takeFor('ann', Date.now())).toEqual([])
  await pass(SPACING_MS)
  expect(room.calls).toEqual(['ben: A1'])
  expect(parcel.take()).toEqual([['ben', TAKEN]])
  expect(parcel.isOver).toBe(false)
  parcel.answered('ann', TAKEN)
  expect(parcel.take()).toEqual([['ann', TAKEN]])
  joined(rounds, room, ['ann'], wakeOf('A', 2))
  await pass(PAUSE_MS - 2 * SPACING_MS)
  expect(room.calls).toEqual(['ben: A1'])
  await pass(3 * SPACING_MS)
  expect(room.calls).toEqual(['ben: A1', 'ann: A2'])
})

it('a user that is asked holds up nobody who was called before', async () => {
  const rounds = roundsOf(PAUSE_MS)
  const room = new FakeRoom()
  joined(rounds, room, ['ann', 'ben'], wakeOf('A'))
  await pass(SPACING_MS)
  joined(rounds, room, ['ann', 'ben'], wakeOf('A', 2))
  await pass(PAUSE_MS / 2)
  rounds.takeFor('ann', Date.now())
  await pass(PAUSE_MS / 2 + SPACING_MS)
  expect(room.calls).toEqual(['ann: A1', 'ben: A1', 'ben: A2'])
})

it('what was taken back is not taken by a user that is asked', async () => {
  const rounds = roundsOf(PAUSE_MS)
  const room = new FakeRoom()
  rounds.withdraw(joined(rounds, room, ['ann'], wakeOf('A')))
  expect(rounds.takeFor('ann', Date.now())).toEqual([])
  const next = joined(rounds, room, ['ann'], wakeOf('A', 2))
  expect(rounds.takeFor('ann', Date.now())).toEqual([next])
})

it('a user that does not answer is not called again meanwhile, and counts as not told', async () => {
  const rounds = roundsOf(PAUSE_MS)
  const room = new FakeRoom()
  room.answer = () => new Promise(() => {})
  const parcel = joined(rounds, room, ['ann'], wakeOf('A'))
  await pass(SPACING_MS)
  joined(rounds, room, ['ann'], wakeOf('B'))
  await pass(PATIENCE_MS - SPACING_MS)
  expect(room.calls).toEqual(['ann: A1'])
  await pass(2 * SPACING_MS)
  expect(parcel.take()).toEqual([['ann', undefined]])
})

it('a call that fails counts as not told', async () => {
  const rounds = roundsOf(PAUSE_MS)
  const room = new FakeRoom()
  room.answer = () => Promise.reject(new Error('reset'))
  const parcel = joined(rounds, room, ['ann'], wakeOf('A'))
  await pass(SPACING_MS)
  expect(parcel.take()).toEqual([['ann', undefined]])
})

it('another Room goes on where the one that was to call is gone', async () => {
  const rounds = roundsOf(PAUSE_MS)
  const [gone, other] = [new FakeRoom(), new FakeRoom()]
  joined(rounds, gone, ['ann'], wakeOf('A'))
  vi.clearAllTimers()
  joined(rounds, other, ['ben'], wakeOf('B'))
  await pass(SPACING_MS + SILENCE_MS - 1)
  rounds.goOn(other)
  await pass(SPACING_MS)
  expect(other.calls).toEqual([])
  await pass(1)
  rounds.goOn(other)
  await pass(SPACING_MS)
  expect(other.calls).toEqual(['ann: A1', 'ben: B1'])
})

it('a Room makes fifty rounds in a row, and the next one goes on', async () => {
  const rounds = roundsOf(1_500)
  const [one, other] = [new FakeRoom(), new FakeRoom()]
  joined(rounds, one, ['ann'], wakeOf('A'))
  await pass(SPACING_MS)
  joined(rounds, one, ['ann'], wakeOf('A', 2))
  await pass(1_200)
  rounds.goOn(other)
  await pass(400)
  expect(one.calls).toEqual(['ann: A1'])
  expect(other.calls).toEqual(['ann: A2'])
})

it('a round calls 300 users, and a call carries 50 wakes', async () => {
  const rounds = roundsOf(0)
  const room = new FakeRoom()
  const userIds = Array.from({ length: 310 }, (_, i) => `user${i}`)
  joined(rounds, room, userIds, wakeOf('A'))
  await pass(SPACING_MS)
  expect(room.calls.length).toBe(300)
  await pass(SPACING_MS)
  expect(room.calls.length).toBe(310)
  for (let i = 0; i < 60; i += 1) joined(rounds, room, ['ann'], wakeOf(`R${i} `))
  await pass(SPACING_MS)
  expect(room.calls.at(-1)?.split(' R').length).toBe(51)
  await pass(2 * SPACING_MS)
  expect(room.calls.at(-1)?.split(' R').length).toBe(11)
})
