/** The rules of decisions 3, 9 and 10 on the objects themselves, each in the order of events that breaks without it. */
import { describe, expect, it } from 'vitest'
import { type Answer, type Body, type Client, must } from '../support/client.ts'
import { held, notPassed, passed, planFault, waitingPoll } from '../support/faults.ts'
import { objectName } from '../support/server.ts'
import { serving } from '../support/serving.ts'

const { server, http, alice } = serving(['alice'], { presence: 'off' })

const evict = (client: Client) => server.evict('USER', objectName.user(server.serverName, client.userId))
const textsIn = (answer: Answer, roomId: string): string[] =>
  (answer.body.rooms?.join?.[roomId]?.timeline.events ?? [])
    .filter(({ type }: Body) => type === 'm.room.message')
    .map(({ content }: Body) => content.body)

/** A user in a room of Alice's, and a token that stands at its end. */
async function someoneIn(name: string): Promise<{ user: Client; roomId: string; since: string }> {
  const user = await http.register(name)
  const roomId = await alice.createRoom({ invite: [user.userId] })
  must(await user.join(roomId))
  return { user, roomId, since: must(await user.sync()).body.next_batch }
}

/** A user in more rooms than a token names, so that every first sync begins an epoch. */
async function someoneInMany(name: string): Promise<{ user: Client; rooms: string[]; since: string }> {
  const user = await http.register(name)
  const rooms: string[] = []
  for (let n = 0; n < 34; n += 1) rooms.push(await alice.createRoom({ invite: [user.userId] }))
  for (const id of rooms) must(await user.join(id))
  const since: string = must(await user.sync()).body.next_batch
  expect(since).not.toContain('~')
  return { user, rooms, since }
}

describe('nothing is lost, since', () => {
  it('a wake is noted in the epoch before it is answered', async () => {
    const { user, rooms, since } = await someoneInMany('noted')
    const [roomId] = rooms as [string]
    await alice.say(roomId, 'while nobody waits')
    await evict(user)
    expect(textsIn(must(await user.sync({ since })), roomId)).toEqual(['while nobody waits'])
  })

  it('a room is noted as moved before it is asked', async () => {
    const { user, rooms, since } = await someoneInMany('asked')
    const [roomId] = rooms as [string]
    await planFault(http, 'drop:user.wake')
    await alice.say(roomId, 'in an answer that is lost')
    // A first sync of another device asks all rooms: they count their answers for the wakes.
    const phone = await http.login('asked')
    await planFault(http, 'lose:room.pull', rooms.length)
    expect(textsIn(must(await phone.sync()), roomId)).toEqual([])
    await planFault(http, 'lose:room.pull', 0)
    await evict(user)
    expect(textsIn(must(await user.sync({ since })), roomId)).toEqual(['in an answer that is lost'])
  })

  it('a poll that found nothing looks again before it waits', async () => {
    const { user, roomId, since } = await someoneIn('looker')
    await evict(user)
    await planFault(http, `user:poll-waits:${user.deviceId}`)
    await planFault(http, 'hold:room.pull')
    const answer = user.sync({ since, timeout: 20_000 })
    await held(http, 'hold:room.pull')
    await alice.say(roomId, 'beside the answer')
    await planFault(http, 'hold:room.pull', 0)
    expect(textsIn(must(await answer), roomId)).toEqual(['beside the answer'])
    await notPassed(http, `user:poll-waits:${user.deviceId}`)
  })

  it('the answer to a wake from before a pull says nothing about the time after the pull', async () => {
    const { user, roomId, since } = await someoneIn('generation')
    await planFault(http, 'user:idle')
    await planFault(http, 'hold:user.wake')
    const said = alice.say(roomId, 'gives the subscription up')
    await held(http, 'hold:user.wake')
    // Nothing is known of the room any more: asks it, and so is subscribed anew, while the answer is on its way.
    const { next_batch: next } = must(await user.sync({ since })).body
    await planFault(http, 'hold:user.wake', 0)
    await said
    const { answer } = await waitingPoll(http, user, { since: next })
    await alice.say(roomId, 'to the subscriber')
    expect(textsIn(must(await answer), roomId)).toEqual(['to the subscriber'])
  })

  it('a wake that is answered before waiting clients are served leaves their tokens behind', async () => {
    const { user, roomId, since } = await someoneIn('turn')
    const { answer } = await waitingPoll(http, user, { since })
    await planFault(http, 'user:no-next-turn')
    await alice.say(roomId, 'before an eviction')
    await passed(http, 'user:no-next-turn')
    await evict(user)
    // Anything wakes the object: it finds the socket, and that it may have missed something.
    must(await user.get('/devices'))
    expect(textsIn(must(await answer), roomId)).toEqual(['before an eviction'])
  })
})

describe('nothing is lost by what comes late, since', () => {
  it('a wake raises a known head, and makes none known', async () => {
    const { user, roomId, since } = await someoneIn('raised')
    await planFault(http, 'copy:user.wake')
    await alice.say(roomId, 'told twice')
    await held(http, 'copy:user.wake')
    const first = must(await user.sync({ since }))
    expect(textsIn(first, roomId)).toEqual(['told twice'])
    await planFault(http, 'slow:user.wake')
    await alice.say(roomId, 'after the copy left')
    await passed(http, 'slow:user.wake')
    await evict(user)
    // Who has not asked lately wants no wakes; the Room is not reached, and so no head is known.
    await planFault(http, 'drop:room.pull', 20)
    const { next_batch: next } = must(await user.sync({ since: first.body.next_batch })).body
    await planFault(http, 'drop:room.pull', 0)
    // The old copy names the head at which the token stands: taken for the truth, it hides what came after it.
    await planFault(http, 'copied:user.wake')
    await planFault(http, 'copy:user.wake', 0)
    await passed(http, 'copied:user.wake')
    expect(textsIn(must(await user.sync({ since: next })), roomId)).toEqual(['after the copy left'])
  })

  it('a new epoch carries over a room that did not answer', async () => {
    const { user, rooms, since } = await someoneInMany('carried')
    for (const id of rooms) await alice.say(id, 'before the epoch')
    await evict(user)
    await planFault(http, 'lose:room.pull')
    const first = must(await user.sync({ since })).body
    expect(first.next_batch.split('.')[0]).not.toBe(since.split('.')[0])
    const missed = rooms.filter((id) => first.rooms.join[id] === undefined)
    expect(missed).toHaveLength(1)
    const second = must(await user.sync({ since: first.next_batch }))
    expect(Object.keys(second.body.rooms.join)).toEqual(missed)
    expect(textsIn(second, missed[0]!)).toEqual(['before the epoch'])
  })

  it('a Room that is asked after the patience ran out makes its head unknown again', async () => {
    const { user, roomId, since } = await someoneIn('patient')
    await evict(user)
    await planFault(http, 'keep:room.pull')
    // The patience ends, the Room is asked once more, and makes its head known.
    const { next_batch: next } = must(await user.sync({ since })).body
    const { answer } = await waitingPoll(http, user, { since: next })
    await planFault(http, 'drop:user.wake', 100)
    await alice.say(roomId, 'in an answer after all patience')
    await planFault(http, 'keep:room.pull', 0)
    expect(textsIn(must(await answer), roomId)).toEqual(['in an answer after all patience'])
    await planFault(http, 'drop:user.wake', 0)
  }, 120_000)
})

describe('nothing is told that may not be any more, since', () => {
  it('a late wake does not carry an event as it was before its redaction', async () => {
    const { user, roomId, since } = await someoneIn('redacted')
    const { answer } = await waitingPoll(http, user, { since })
    // The calls are lost: the text waits at the Room, for the wake that tells of its redaction too.
    await planFault(http, 'drop:user.wake', 100)
    const said = await alice.say(roomId, 'taken back')
    const path = `/rooms/${encodeURIComponent(roomId)}/redact/${encodeURIComponent(said)}/taken`
    must(await alice.put(path, {}))
    await planFault(http, 'drop:user.wake', 0)
    const told = (await answer).body.rooms.join[roomId].timeline.events
    expect(told.map(({ type }: Body) => type)).toEqual(['m.room.message', 'm.room.redaction'])
    expect(told[0].content).toEqual({})
  })
})

describe('a poll whose Room could not be reached', () => {
  it('is answered by that Room while it waits, without a wake', async () => {
    const { user, roomId, since } = await someoneIn('unreached')
    await alice.say(roomId, 'told, as the Room believes')
    await evict(user)
    await planFault(http, 'lose:room.pull', 50)
    const { answer } = await waitingPoll(http, user, { since })
    await planFault(http, 'lose:room.pull', 0)
    expect(textsIn(must(await answer), roomId)).toEqual(['told, as the Room believes'])
  })
})

describe('a device that asked once and slept', () => {
  it('is told only what is new, however many epochs have passed', async () => {
    const { user, rooms, since: first } = await someoneInMany('sleeper')
    const phone = await http.login('sleeper')
    const asleep: string = must(await phone.sync()).body.next_batch
    const moved = rooms.slice(1)
    let since = first
    for (let epoch = 0; epoch < 3; epoch += 1) {
      for (const id of moved) await alice.say(id, `epoch ${epoch}`)
      const { next_batch: next } = must(await user.sync({ since })).body
      expect(next.split('.')[0]).not.toBe(since.split('.')[0])
      since = next
    }
    const { rooms: told } = must(await phone.sync({ since: asleep, timeout: 0 })).body
    expect(Object.keys(told.join).toSorted()).toEqual(moved.toSorted())
    const place = { dir: 'f', from: asleep }
    const { chunk } = must(await phone.get(`/rooms/${encodeURIComponent(moved[0]!)}/messages`, place)).body
    expect(chunk.map(({ content }: Body) => content.body)).toEqual(['epoch 0', 'epoch 1', 'epoch 2'])
  }, 150_000)
})

describe('a room that could not be asked', () => {
  it('is shown as left by a later answer, once, if it was left', async () => {
    const { user, roomId, since } = await someoneIn('leaver')
    must(await user.post(`/rooms/${encodeURIComponent(roomId)}/leave`))
    await planFault(http, 'drop:room.pull', 20)
    const first = must(await user.sync({ since })).body
    await planFault(http, 'drop:room.pull', 0)
    expect(first.rooms?.leave).toBeUndefined()
    const second = must(await user.sync({ since: first.next_batch, timeout: 5_000 })).body
    expect(Object.keys(second.rooms.leave)).toEqual([roomId])
    const third = must(await user.sync({ since: second.next_batch })).body
    expect(third.rooms?.leave).toBeUndefined()
  })

  it('comes whole with a later answer if it is new', async () => {
    const { user, since } = await someoneIn('newcomer')
    const roomId = await alice.createRoom({ preset: 'public_chat' })
    must(await user.join(roomId))
    await planFault(http, 'drop:room.pull', 20)
    const first = must(await user.sync({ since })).body
    await planFault(http, 'drop:room.pull', 0)
    expect(first.rooms?.join?.[roomId]).toBeUndefined()
    const { rooms } = must(await user.sync({ since: first.next_batch, timeout: 5_000 })).body
    const { state, timeline } = rooms.join[roomId]
    const types = [...state.events, ...timeline.events].map(({ type }: Body) => type)
    expect(types).toContain('m.room.create')
  })
})
