/** Rooms and users that die, sleep, or lose what they tell each other: everybody still learns of everything, once. */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type Body, type Client, must } from '../support/client.ts'
import { eventually } from '../support/eventually.ts'
import {
  held,
  nobodyWaits,
  passed,
  planFault,
  waitingPoll as pollThatWaits,
  settled,
} from '../support/faults.ts'
import { objectName } from '../support/server.ts'
import { serving } from '../support/serving.ts'
import { history, inRoom, Receiver } from './helpers.ts'

const { server, http, alice, bob } = serving(['alice', 'bob'], { presence: 'off' })
let roomId: string

beforeAll(async () => {
  roomId = await alice.createRoom({ invite: [bob.userId] })
  must(await bob.join(roomId))
})

const put = (text: string, txnId: string) =>
  alice.put(inRoom(roomId, 'send', 'm.room.message', txnId), { msgtype: 'm.text', body: text })

const textsOf = (answer: { body: Body }): string[] =>
  (answer.body.rooms?.join?.[roomId]?.timeline.events ?? []).map((event: Body) => event.content.body)

/** A poll of Bob's that waits. */
async function waitingPoll(client: Client = bob): Promise<{ answer: ReturnType<Client['sync']> }> {
  const { next_batch: since } = must(await client.sync()).body
  return pollThatWaits(http, client, { since, timeout: 25_000 })
}

describe('a Room that dies between its commit and its wakes', () => {
  it('answers the repeated send, and wakes', async () => {
    const { answer } = await waitingPoll()
    await planFault(http, 'room:abort-after-commit')
    const sent = must(await put('died once', 'died-1'))
    const received = (await answer).body.rooms.join[roomId].timeline.events
    expect(received.map((event: Body) => event.event_id)).toEqual([sent.body.event_id])
  })

  it('wakes from its alarm when nobody asks it again', async () => {
    const { answer } = await waitingPoll()
    // The gateway asks a second time: that one dies too, and the sender gives up.
    await planFault(http, 'room:abort-after-commit', 2)
    const failed = await put('died twice', 'died-2')
    expect([failed.status, failed.body.errcode]).toEqual([503, 'M_UNKNOWN'])
    const received = (await answer).body.rooms.join[roomId].timeline.events
    expect(received.map((event: Body) => event.content.body)).toEqual(['died twice'])
    const retried = must(await put('died twice', 'died-2'))
    expect(retried.body.event_id).toBe(received[0].event_id)
    const texts = (await history(bob, roomId)).map((event) => event.content.body)
    expect(texts.filter((text) => text === 'died twice')).toHaveLength(1)
  })

  it('tells of a membership that it had committed', async () => {
    const carol = await http.register('carol')
    await planFault(http, 'room:abort-after-commit', 2)
    expect((await alice.invite(roomId, carol.userId)).status).toBe(503)
    const { body } = await eventually(
      () => carol.sync(),
      (answer) => answer.body.rooms?.invite?.[roomId] !== undefined,
    )
    expect(body.rooms.invite[roomId].invite_state.events).not.toEqual([])
  })
})

describe('an object that has more calls than it can answer', () => {
  it('is not asked again, and its client is told when to come back', async () => {
    await planFault(http, 'overload:room.send')
    const refused = await put('too much', 'busy-1')
    expect([refused.status, refused.body.errcode]).toEqual([503, 'M_UNKNOWN'])
    expect(Number(refused.headers.get('retry-after'))).toBe(refused.body.retry_after_ms / 1000)
    must(await put('too much', 'busy-1'))
  })

  it('refuses a sync in the same words', async () => {
    await planFault(http, 'overload:user.sync')
    const refused = await bob.sync()
    expect([refused.status, refused.body.errcode]).toEqual([503, 'M_UNKNOWN'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})

/** When a wake that nobody answers is made again at the latest, ms. */
const STUCK_MS = 10_000

describe('wakes', () => {
  let receiver: Receiver
  beforeEach(async () => {
    receiver = await Receiver.start(bob, roomId)
  })
  afterEach(async () => {
    await receiver.stop()
    // A poll that still waited would teach its object where the room stands.
    await nobodyWaits(server.url)
  })

  it.each([
    ['twice, the second copy out of order', 'copy:user.wake', 4],
    ['whose answers are lost', 'lose:user.wake', 2],
    ['that are dropped', 'drop:user.wake', 2],
    ['that nobody ever answers', 'hang:user.wake', 1],
  ])(
    '%s bring each message once, in order',
    async (_, fault, times) => {
      await planFault(http, fault, times)
      const sent: string[] = []
      for (let n = 0; n < 12; n += 1) {
        sent.push(await alice.say(roomId, `${fault} ${n}`))
        if (n % 3 === 2) await receiver.until(`${fault} ${n}`)
      }
      await passed(http, fault)
      // The late copies come now.
      await planFault(http, 'copied:user.wake', times)
      await planFault(http, fault, 0)
      if (fault.startsWith('copy:')) await passed(http, 'copied:user.wake')
      await planFault(http, 'copied:user.wake', 0)
      await settled(http, STUCK_MS)
      sent.push(await alice.say(roomId, `${fault} is over`))
      await receiver.until(`${fault} is over`)
      expect(receiver.gaps).toBe(0)
      expect(receiver.events.map((event) => event.event_id)).toEqual(sent)
    },
    120_000,
  )
})

describe('the answer of a Room that is asked', () => {
  const bobsName = () => objectName.user(server.serverName, bob.userId)

  /** Bob's object remembers no head, and asks the Room, whose answer is under way until it is let go. */
  async function heldSync(since: string): Promise<{ answer: ReturnType<Client['sync']> }> {
    await server.evict('USER', bobsName())
    await planFault(http, 'hold:room.pull')
    const answer = bob.sync({ since, timeout: 0 })
    await held(http, 'hold:room.pull')
    return { answer }
  }

  const wakes = async (): Promise<number> =>
    must(await http.request('GET', '/_selvedge/test/calls')).body['user.wake'] ?? 0
  const letGo = () => planFault(http, 'hold:room.pull', 0)

  /** What Bob is told by an answer and after it, until he knows a text, and once more when nothing is under way. */
  const toldFrom = async (first: Answer, text: string) => {
    let token: string = first.body.next_batch
    const seen = textsOf(first)
    const ask = async (timeout: number) => {
      const answer = must(await bob.sync({ since: token, timeout }))
      seen.push(...textsOf(answer))
      token = answer.body.next_batch
    }
    for (let n = 0; n < 10 && !seen.includes(text); n += 1) await ask(2_000)
    await settled(http)
    await ask(0)
    return seen
  }

  it('hides nothing that a wake told which overtook it', async () => {
    const since: string = must(await bob.sync()).body.next_batch
    const { answer } = await heldSync(since)
    const before = await wakes()
    await alice.say(roomId, 'passed the answer')
    await expect.poll(wakes, { timeout: 10_000 }).toBeGreaterThan(before)
    await letGo()
    const late = must(await answer)
    expect(await toldFrom(late, 'passed the answer')).toEqual(['passed the answer'])
  })

  it('hides nothing that a later answer held, which was lost', async () => {
    const since: string = must(await bob.sync()).body.next_batch
    const { answer } = await heldSync(since)
    // The wake is lost, and the Room takes what another device asks for it: that answer is lost as well.
    await planFault(http, 'drop:user.wake', 100)
    await alice.say(roomId, 'lost twice')
    await planFault(http, 'lose:room.pull', 100)
    const lost = must(await bob.sync({ since, timeout: 0 }))
    expect(textsOf(lost)).toEqual([])
    for (const fault of ['drop:user.wake', 'lose:room.pull']) await planFault(http, fault, 0)
    await letGo()
    const late = must(await answer)
    expect(await toldFrom(late, 'lost twice')).toEqual(['lost twice'])
  })

  it('that is lost keeps nothing from another device that waits', async () => {
    const { answer } = await waitingPoll(await http.login('bob'))
    await planFault(http, 'drop:user.wake')
    await alice.say(roomId, 'lost with an answer')
    // A first sync asks, whatever is known. The Room counts it for the wake that was dropped.
    await planFault(http, 'lose:room.pull')
    expect(textsOf(must(await bob.sync()))).toEqual([])
    expect(textsOf(await answer)).toEqual(['lost with an answer'])
  })
})

describe('a User object under a waiting poll', () => {
  const bobsName = () => objectName.user(server.serverName, bob.userId)

  it('delivers by the socket that slept, after an eviction', async () => {
    const { answer } = await waitingPoll()
    await server.evict('USER', bobsName())
    await alice.say(roomId, 'to a sleeper')
    expect(textsOf(await answer)).toEqual(['to a sleeper'])
  })

  it('delivers after an eviction of its Room too', async () => {
    const { answer } = await waitingPoll()
    await server.evict('USER', bobsName())
    await server.evict('ROOM', objectName.room(server.serverName, roomId))
    await alice.say(roomId, 'to two sleepers')
    expect(textsOf(await answer)).toEqual(['to two sleepers'])
  })

  it('is asked again by the Worker after an abort', async () => {
    const phone = await http.login('bob')
    const { answer } = await waitingPoll()
    const waitsAgain = `user:poll-waits:${bob.deviceId}`
    await planFault(http, waitsAgain)
    await planFault(http, 'user:abort-after-commit')
    // Asked a second time, the object finds that session ended already.
    expect((await phone.post('/logout')).status).toBe(401)
    await passed(http, waitsAgain)
    await alice.say(roomId, 'to the risen')
    expect(textsOf(await answer)).toEqual(['to the risen'])
  })
})

describe('a device that slept long', () => {
  const ROOMS = 36
  const MESSAGES = 30

  it('misses nothing that another device has seen', async () => {
    const erin = await http.register('erin')
    const rooms: string[] = []
    for (let n = 0; n < ROOMS; n += 1) rooms.push(await alice.createRoom({ invite: [erin.userId] }))
    for (const id of rooms) must(await erin.join(id))
    const phone = await http.login('erin')
    const asleep: string = must(await phone.sync()).body.next_batch
    let since: string = must(await erin.sync()).body.next_batch
    const sent = new Map<string, string[]>()
    for (const [index, id] of rooms.entries()) {
      const ids: string[] = []
      // More than a wake's memory and a timeline's limit in the first room; all rooms move, so an epoch passes.
      for (let n = 0; n < (index === 0 ? MESSAGES : 2); n += 1) ids.push(await alice.say(id, `${index}/${n}`))
      sent.set(id, ids)
      since = must(await erin.sync({ since, timeout: 0 })).body.next_batch
    }
    expect(since.split('~')[0]).not.toBe(asleep.split('~')[0])
    await server.evict('USER', objectName.user(server.serverName, erin.userId))
    const { body } = must(await phone.sync({ since: asleep, timeout: 0 }))
    for (const [id, ids] of sent) expect(await missed(phone, id, asleep, body)).toEqual(ids)
  }, 150_000)

  /** The messages since a token: the answer's timeline, and before it what lies in the gap. */
  async function missed(client: Client, id: string, from: string, body: Body): Promise<string[]> {
    const { timeline } = body.rooms.join[id]
    const found: Body[] = [...timeline.events]
    let before: string | undefined = timeline.limited ? timeline.prev_batch : undefined
    while (before !== undefined) {
      const query = { dir: 'b', from: before, to: from, limit: 10 }
      const page: Body = must(await client.get(inRoom(id, 'messages'), query)).body
      found.unshift(...page.chunk.reverse())
      before = page.end
    }
    return found.filter((event) => event.type === 'm.room.message').map((event) => event.event_id)
  }
})
