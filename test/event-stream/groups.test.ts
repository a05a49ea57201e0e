/** Consumer groups: members share the partitions, commits outlast them, and a member that was replaced is shut out. */
import { beforeAll, describe, expect, it } from 'vitest'
import { partitionOf } from '../../src/protocol/event-stream.ts'
import { type Answer, type Body, must } from '../support/client.ts'
import { objectName } from '../support/server.ts'
import { serving } from '../support/serving.ts'
import { asOperator, type Consumer, consumerOf, textsIn } from './reader.ts'

const { server, http, alice } = serving(['alice'], { 'event-stream': 'on' })
let reader: Consumer
let roomId: string
let partition: number

beforeAll(async () => {
  reader = await consumerOf(server, http)
  roomId = await alice.createRoom()
  partition = partitionOf(roomId)
  for (let n = 0; n < 6; n += 1) await alice.say(roomId, `n${n}`)
  await reader.until('events', roomId, (all) => textsIn(all).length === 6)
})

/** A member of a group, as the protocol knows it. */
class Member {
  readonly group: string
  assignment: Body = {}

  constructor(group: string) {
    this.group = group
  }

  async join(body: Body = {}): Promise<this> {
    const path = `/groups/${this.group}/members`
    this.assignment = must(await reader.ask('POST', path, { topics: ['events'], ...body })).body
    return this
  }

  async beat(): Promise<Answer> {
    const { generation } = this.assignment
    const answer = await reader.ask('POST', `${this.#path}/heartbeat`, { generation })
    if (answer.status === 200) this.assignment = answer.body
    return answer
  }

  async leave(): Promise<void> {
    must(await reader.ask('DELETE', this.#path))
  }

  has(number: number): Body | undefined {
    return this.assignment.assigned.find((one: Body) => one.partition === number)
  }

  read(number: number, epoch = this.has(number)?.epoch): Promise<Answer> {
    return reader.read('events', number, { group: this.group, epoch, limit: 2 })
  }

  commit(number: number, offset: number, epoch = this.has(number)?.epoch): Promise<Answer> {
    const offsets = [{ topic: 'events', partition: number, offset, epoch }]
    return reader.ask('POST', `/groups/${this.group}/commit`, { offsets })
  }

  get #path(): string {
    return `/groups/${this.group}/members/${this.assignment.member_id}`
  }
}

describe('a group', () => {
  it('goes on at what it has committed, and what it has read without that comes again', async () => {
    const member = await new Member('steps').join()
    const first = must(await member.read(partition)).body
    expect(must(await member.read(partition)).body.records).toEqual(first.records)
    must(await member.commit(partition, first.next_offset))
    await server.evict('PARTITION', objectName.partition(server.serverName, partition))
    const second = must(await member.read(partition)).body
    expect(second.offset).toBe(first.next_offset)
  })

  it('without members shares nothing: each of its readers may commit', async () => {
    const read = () => reader.read('events', partition, { group: 'alone', limit: 1 })
    const { next_offset: offset } = must(await read()).body
    const commit = { offsets: [{ topic: 'events', partition, offset }] }
    must(await reader.ask('POST', '/groups/alone/commit', commit))
    expect(must(await read()).body.offset).toBe(offset)
  })

  it('is read by nobody who shows an older epoch than was shown before', async () => {
    const read = (epoch: number) => reader.read('events', partition, { group: 'epochs', epoch })
    must(await read(7))
    const refused = await read(6)
    expect([refused.status, refused.body.errcode]).toEqual([409, 'DEV.SELVEDGE.STALE_EPOCH'])
    must(await read(7))
  })

  it('begins where it is told while it has committed nothing', async () => {
    const { body } = must(await reader.read('events', partition, { group: 'late', offset: 'latest' }))
    expect(body.records).toEqual([])
    expect(body.offset).toBe(body.end_offset)
  })

  it('passes what a second member is to have on once the first has let go of it', async () => {
    const first = await new Member('pair').join()
    const second = await new Member('pair').join()
    expect(first.assignment.assigned).toHaveLength(16)
    expect(second.assignment).toMatchObject({ settled: false, assigned: [] })
    must(await first.beat())
    expect(first.assignment.assigned).toHaveLength(8)
    must(await second.beat())
    expect(second.assignment.assigned).toEqual([])
    must(await first.beat())
    must(await second.beat())
    expect(second.assignment).toMatchObject({ settled: true })
    const numbers = [...first.assignment.assigned, ...second.assignment.assigned].map((one) => one.partition)
    expect(new Set(numbers).size).toBe(16)
    await second.leave()
    must(await first.beat())
    expect(first.assignment.assigned).toHaveLength(16)
  })

  it('shuts out a member whose partition another one has begun to read', async () => {
    const first = await new Member('fenced').join()
    const { epoch } = first.has(partition)!
    must(await first.commit(partition, 1))
    await first.leave()
    const second = await new Member('fenced').join()
    must(await second.read(partition))
    for (const refused of [await first.commit(partition, 5, epoch), await first.read(partition, epoch)])
      expect([refused.status, refused.body.errcode]).toEqual([409, 'DEV.SELVEDGE.STALE_EPOCH'])
    expect(must(await second.read(partition)).body.offset).toBe(1)
    expect((await first.beat()).status).toBe(404)
  })

  it('shows its members, what each has, what was committed, and its lag', async () => {
    const member = await new Member('shown').join({ client: 'worker 1' })
    must(await member.commit(partition, 2))
    const { groups, topics } = must(await reader.get('')).body
    const group = groups.find((one: Body) => one.group === 'shown')
    const { end_offset: end } = topics.find(({ topic }: Body) => topic === 'events').partitions[partition]
    expect(group).toMatchObject({
      lag: end - 2,
      members: [{ member_id: member.assignment.member_id, client: 'worker 1', topics: ['events'] }],
      offsets: [
        { topic: 'events', partition, offset: 2, lag: end - 2, member_id: member.assignment.member_id },
      ],
    })
  })

  it.each(['__proto__', 'constructor', 'toString'])(
    'knows %s as a member only once it has joined',
    async (name) => {
      const other = await new Member('words').join()
      const { generation } = other.assignment
      const path = `/groups/words/members/${name}`
      const heartbeat = await reader.ask('POST', `${path}/heartbeat`, { generation })
      expect([heartbeat.status, heartbeat.body.errcode]).toEqual([404, 'M_NOT_FOUND'])
      must(await reader.ask('DELETE', path))
      must(await other.beat())
      expect(other.assignment.generation).toBe(generation)
      const joined = must(await reader.ask('PUT', path, { topics: ['events'] })).body
      expect(joined).toMatchObject({ member_id: name, lease_ms: 30_000 })
      must(await reader.ask('POST', `${path}/heartbeat`, { generation: joined.generation }))
      must(await reader.ask('DELETE', path))
      must(await other.beat())
      expect(other.assignment.assigned).toHaveLength(16)
      await other.leave()
    },
  )

  it('is forgotten when its members have left', async () => {
    const member = await new Member('gone').join()
    must(await member.commit(partition, 3))
    const forget = () => asOperator(server, http, { method: 'DELETE', path: '/groups/gone' })
    expect((await forget()).status).toBe(403)
    await member.leave()
    must(await forget())
    const { groups } = must(await reader.get('')).body
    expect(groups.map(({ group }: Body) => group)).not.toContain('gone')
    expect(must(await reader.read('events', partition, { group: 'gone' })).body.offset).toBe(0)
  })

  it.each([
    ['POST', '/groups/g/members', { topics: [] }],
    ['POST', '/groups/g/members', { topics: ['elsewhere'] }],
    ['POST', '/groups/g/members', { topics: ['events'], lease_ms: 10 }],
    ['POST', '/groups/g/members/m/heartbeat', { generation: 'newest' }],
    ['POST', '/groups/g/commit', { offsets: [] }],
    ['POST', '/groups/g/commit', { offsets: [{ topic: 'events', partition: 16, offset: 0 }] }],
    ['POST', '/groups/g/commit', { offsets: [{ topic: 'events', partition: 0, offset: -1 }] }],
    ['POST', '/groups/g/commit', { offsets: [{ topic: 'events', partition: 0, offset: 1_000_000 }] }],
  ])('refuses %s %s of %o', async (method, path, body) => {
    const refused = await reader.ask(method, path, body)
    expect([refused.status, refused.body.errcode]).toEqual([
      400,
      expect.stringMatching(/^M_(BAD_JSON|INVALID_PARAM)$/),
    ])
  })
})
