/** How the members of a consumer group come to share the partitions, and never have one at the same time. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../../local/paths.ts'
import { PARTITIONS, type Topic } from '../../src/protocol/event-stream.ts'

interface Assigned {
  generation: number
  settled: boolean
  partitions: { topic: Topic; partition: number; epoch: number }[]
}
interface Member {
  topics: Topic[]
  leaseMs: number
  expiresAt: number
}
type State = { generation: number; members: Record<string, Member> }

/** By a path that the compiler does not follow: the objects' types are not Node's. */
const { assignmentOf, heardOf, joined, left, newGroup } = (await import(
  join(projectRoot, 'durable-objects', 'partition', 'group-state.ts')
)) as {
  newGroup(): State
  joined(state: State, memberId: string, member: Member, now: number): State
  left(state: State, memberId: string, now: number): State
  heardOf(state: State, member: { memberId: string; generation: number }, now: number): State | undefined
  assignmentOf(state: State, memberId: string): Assigned
}

const LEASE = 1_000

/** A group whose members do as a test says. */
class Group {
  state = newGroup()
  now = 0
  /** The generation that each member works by. */
  readonly known = new Map<string, number>()

  join(id: string, topics: Topic[] = ['events']): Assigned {
    const member = { topics, leaseMs: LEASE, expiresAt: this.now + LEASE }
    this.state = joined(this.state, id, member, this.now)
    return this.#learn(id)
  }

  beat(id: string): Assigned | undefined {
    const heard = heardOf(this.state, { memberId: id, generation: this.known.get(id) ?? 0 }, this.now)
    if (heard === undefined) return undefined
    this.state = heard
    return this.#learn(id)
  }

  leave(id: string): void {
    this.state = left(this.state, id, this.now)
  }

  has(id: string): number[] {
    return assignmentOf(this.state, id).partitions.map(({ partition }) => partition)
  }

  #learn(id: string): Assigned {
    const assignment = assignmentOf(this.state, id)
    this.known.set(id, assignment.generation)
    return assignment
  }
}

describe('the members of a group', () => {
  it('have all partitions when there is one, and half of them each when there are two', () => {
    const group = new Group()
    expect(group.join('a')).toMatchObject({ settled: true })
    expect(group.has('a')).toHaveLength(PARTITIONS)
    expect(group.join('b')).toMatchObject({ settled: false, partitions: [] })
    // The first one hears of it, and with its next sign of life has let go.
    expect(group.beat('a')?.partitions).toHaveLength(PARTITIONS / 2)
    expect(group.has('b')).toEqual([])
    group.beat('a')
    expect(group.beat('b')).toMatchObject({ settled: true })
    expect([...group.has('a'), ...group.has('b')].toSorted((x, y) => x - y)).toEqual(
      Array.from({ length: PARTITIONS }, (_, n) => n),
    )
  })

  it('keep what they have when another one comes, but for what is too much', () => {
    const group = new Group()
    group.join('a')
    const before = group.has('a')
    group.join('b')
    group.beat('a')
    group.beat('a')
    const [a, b] = [group.has('a'), group.has('b')]
    expect(a.every((one) => before.includes(one))).toBe(true)
    group.join('c')
    for (const id of ['a', 'b', 'a', 'b', 'c']) group.beat(id)
    expect(group.has('a').every((one) => a.includes(one))).toBe(true)
    expect(group.has('b').every((one) => b.includes(one))).toBe(true)
    expect(['a', 'b', 'c'].map((id) => group.has(id).length).toSorted()).toEqual([5, 5, 6])
  })

  it('lose what they have when they are silent for their lease, and others get it at once', () => {
    const group = new Group()
    group.join('a')
    group.join('b')
    group.now = LEASE / 2
    group.beat('b')
    group.now = LEASE + 1
    expect(group.beat('b')).toMatchObject({ settled: true })
    expect(group.has('b')).toHaveLength(PARTITIONS)
    expect(group.beat('a')).toBeUndefined()
  })

  it('give up what they have when they leave', () => {
    const group = new Group()
    group.join('a')
    group.join('b')
    group.leave('a')
    expect(group.beat('b')).toMatchObject({ settled: true })
    expect(group.has('b')).toHaveLength(PARTITIONS)
  })

  it('have only partitions of the topics that they asked for', () => {
    const group = new Group()
    group.join('a', ['events', 'receipts'])
    group.join('b', ['events'])
    for (const id of ['a', 'a', 'b']) group.beat(id)
    const topics = (id: string) => new Set(assignmentOf(group.state, id).partitions.map(({ topic }) => topic))
    expect(topics('a')).toEqual(new Set(['events', 'receipts']))
    expect(topics('b')).toEqual(new Set(['events']))
    expect(group.has('a')).toHaveLength(PARTITIONS / 2 + PARTITIONS)
  })

  it('come back under their name without anybody losing anything', () => {
    const group = new Group()
    group.join('a')
    const { generation } = group.join('a')
    expect(generation).toBe(1)
    expect(group.has('a')).toHaveLength(PARTITIONS)
  })
})

/** The smallest of generators of random numbers: the same run for the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

it('no partition has two members at the same time, and a later one has a higher epoch, whatever they do', () => {
  for (let seed = 1; seed <= 60; seed += 1) {
    const group = new Group()
    const random = randomOf(seed)
    const ids = ['a', 'b', 'c', 'd']
    /** What each member reads by what it was last told; nothing once its lease is over. */
    const reads = new Map<string, { until: number; partitions: Map<number, number> }>()
    const latest = new Map<number, { holder: string; epoch: number }>()
    const learn = (id: string, told: Assigned | undefined) => {
      if (told === undefined) {
        reads.delete(id)
        return
      }
      const own = new Map(told.partitions.map(({ partition, epoch }) => [partition, epoch]))
      reads.set(id, { until: group.now + LEASE, partitions: own })
      for (const [partition, epoch] of own) {
        const before = latest.get(partition)
        if (before?.holder === id) expect(epoch).toBeGreaterThanOrEqual(before.epoch)
        else expect(epoch).toBeGreaterThan(before?.epoch ?? 0)
        latest.set(partition, { holder: id, epoch })
      }
    }
    for (let step = 0; step < 120; step += 1) {
      const id = ids[random(ids.length)] as string
      const what = random(10)
      if (what < 2) learn(id, group.join(id))
      else if (what < 8) learn(id, group.beat(id))
      else if (what === 8) {
        group.leave(id)
        reads.delete(id)
      } else group.now += random(LEASE)
      for (const [one, { until }] of reads) if (until <= group.now) reads.delete(one)
      const taken = [...reads.values()].flatMap(({ partitions }) => [...partitions.keys()])
      expect(taken).toHaveLength(new Set(taken).size)
    }
    const there = ids.filter((id) => group.state.members[id] !== undefined)
    if (there.length === 0) continue
    // Left in peace, they come to have everything.
    for (let round = 0; round < 4; round += 1) for (const id of there) group.beat(id)
    const alive = there.filter((id) => group.state.members[id] !== undefined)
    if (alive.length > 0) expect(alive.flatMap((id) => group.has(id))).toHaveLength(PARTITIONS)
  }
})
