/**
 * How the members of a group share the partitions: pure, a state and what becomes of it. A partition goes to another
 * member only when the one before has let go of it, or is gone: until then nobody else reads it.
 */
import type { AssignedPartition, Assignment } from '../../src/objects/partition/groups.ts'
import { PARTITIONS, TOPICS, type Topic } from '../../src/protocol/event-stream.ts'

export interface GroupMember {
  topics: Topic[]
  leaseMs: number
  /** When it counts as gone, ms. */
  expiresAt: number
  client?: string
}

/** Whose a partition of a topic is, and whose it is to be. */
export interface Share {
  topic: Topic
  partition: number
  holder: string
  /** Raised whenever it goes to another member. */
  epoch: number
  target: string
}

export interface GroupState {
  /** Raised whenever the partitions are shared anew. */
  generation: number
  /** The newest epoch of any share. */
  epoch: number
  members: Record<string, GroupMember>
  shares: Share[]
}

export const newGroup = (): GroupState => ({ generation: 0, epoch: 0, members: {}, shares: [] })

/** The member of a name, which may be any word: every object has a `constructor` that is no member. */
export function memberOf({ members }: GroupState, memberId: string): GroupMember | undefined {
  return Object.hasOwn(members, memberId) ? members[memberId] : undefined
}

/** A member comes, or comes again with other topics. */
export function joined(state: GroupState, memberId: string, member: GroupMember, now: number): GroupState {
  const before = memberOf(state, memberId)
  const next = withoutExpired({ ...state, members: { ...state.members, [memberId]: member } }, now)
  const same = before !== undefined && before.topics.join() === member.topics.join()
  return same && next.generation === state.generation ? next : shareAnew(next)
}

/** A member goes. */
export function left(state: GroupState, memberId: string, now: number): GroupState {
  const { [memberId]: _, ...members } = state.members
  const next = withoutExpired({ ...state, members }, now)
  return memberOf(state, memberId) === undefined ? next : shareAnew(next)
}

/** A member is there, and works by the assignment of a generation; undefined where it has been given up. */
export function heardOf(
  state: GroupState,
  { memberId, generation }: { memberId: string; generation: number },
  now: number,
): GroupState | undefined {
  const member = memberOf(state, memberId)
  if (member === undefined) return undefined
  const renewed = { ...member, expiresAt: now + member.leaseMs }
  const next = withoutExpired({ ...state, members: { ...state.members, [memberId]: renewed } }, now)
  return generation === next.generation ? letGo(next, memberId) : next
}

/** What a member has now. What it is to give up is not among it. */
export function assignmentOf(state: GroupState, memberId: string): Assignment {
  const own = state.shares.filter(({ target }) => target === memberId)
  return {
    memberId,
    generation: state.generation,
    settled: own.every(({ holder }) => holder === memberId),
    leaseMs: memberOf(state, memberId)?.leaseMs ?? 0,
    partitions: held(own, memberId),
  }
}

export function held(shares: readonly Share[], memberId: string): AssignedPartition[] {
  return shares
    .filter(({ holder, target }) => holder === memberId && target === memberId)
    .map(({ topic, partition, epoch }) => ({ topic, partition, epoch }))
}

function withoutExpired(state: GroupState, now: number): GroupState {
  const alive = Object.entries(state.members).filter(([, { expiresAt }]) => expiresAt > now)
  if (alive.length === Object.keys(state.members).length) return state
  return shareAnew({ ...state, members: Object.fromEntries(alive) })
}

/** A new generation: who has a partition keeps it, as far as that leaves everybody the same number of them. */
function shareAnew(state: GroupState): GroupState {
  const shares = TOPICS.flatMap((topic) => {
    const members = Object.keys(state.members)
      .filter((id) => memberOf(state, id)?.topics.includes(topic))
      .toSorted()
    return members.length === 0 ? [] : shareTopic(state, topic, members)
  })
  return passOn({ ...state, generation: state.generation + 1, shares })
}

function shareTopic(state: GroupState, topic: Topic, members: readonly string[]): Share[] {
  const before = new Map(
    state.shares.filter((share) => share.topic === topic).map((share) => [share.partition, share]),
  )
  const counts = new Map(members.map((id) => [id, 0]))
  const take = (id: string) => counts.set(id, (counts.get(id) ?? 0) + 1)
  const least = Math.floor(PARTITIONS / members.length)
  let larger = PARTITIONS % members.length
  const targets = new Map<number, string>()
  for (const [partition, { target }] of before) {
    const has = counts.get(target)
    if (has === undefined || has > least || (has === least && larger === 0)) continue
    if (has === least) larger -= 1
    targets.set(partition, target)
    take(target)
  }
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    if (targets.has(partition)) continue
    const [fewest] = members.toSorted((a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0))
    targets.set(partition, fewest as string)
    take(fewest as string)
  }
  return Array.from({ length: PARTITIONS }, (_, partition) => {
    const { holder = '', epoch = 0 } = before.get(partition) ?? {}
    return { topic, partition, holder, epoch, target: targets.get(partition) as string }
  })
}

/** A member that knows the newest assignment reads nothing else any more. */
function letGo(state: GroupState, memberId: string): GroupState {
  return passOn(state, ({ holder, target }) => holder === memberId && target !== memberId)
}

/** Gives partitions to those they are meant for, where nobody holds them, or the holder lets go. */
function passOn(state: GroupState, isFree: (share: Share) => boolean = () => false): GroupState {
  let { epoch } = state
  const shares = state.shares.map((share) => {
    const { holder, target } = share
    if (holder === target || (memberOf(state, holder) !== undefined && !isFree(share))) return share
    epoch += 1
    return { ...share, holder: target, epoch }
  })
  return { ...state, shares, epoch }
}
