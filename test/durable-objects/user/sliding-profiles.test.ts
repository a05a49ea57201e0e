/** How much of profiles one answer of sliding sync tells, and what is owed then. */
import { expect, it } from 'vitest'
import {
  askedOwners,
  dueProfiles,
  type ProfilesParts,
  TOLD_AT_ONCE,
  tellProfiles,
} from '../../../durable-objects/user/sync/sliding/profiles.ts'
import {
  MOST_OWED,
  MOST_WHOLE,
  profilesFrom,
  type SentProfiles,
  storedProfiles,
} from '../../../durable-objects/user/sync/sliding/sent-profiles.ts'

const nameOf = (n: number) => `@user${n}:test.example`
const room = { roomId: '!room:test.example', no: 1 }

/** An answer to which so many people have changed a field. */
function partsOf(people: number, sent?: SentProfiles, more: Partial<ProfilesParts> = {}): ProfilesParts {
  const marks = Array.from({ length: people }, (_, n) => ({
    userId: nameOf(n),
    pos: n,
    field: 'm.tz',
    task: { room },
  }))
  const span = { token: undefined, absent: false, since: 0, own: 0 }
  return {
    news: { span, rooms: [], profiles: marks, deviceLists: undefined },
    asked: {},
    windows: { wanted: new Map() },
    sent,
    userId: '@me:test.example',
    ownFields: () => [],
    ...more,
  }
}

/** One answer, for which these owners were reached. */
function answer(parts: ProfilesParts, reached: (index: number) => boolean = () => true, value = 'UTC') {
  const due = dueProfiles(parts)
  const owners = askedOwners(due)
  const profiles = owners.map((_, index) => (reached(index) ? { 'm.tz': value } : undefined))
  const told = tellProfiles(parts, due, profiles)
  return { users: Object.keys(told.users), sent: told.sent! }
}

it('tells a hundred users at once, and the others in the next answers', () => {
  const first = answer(partsOf(250))
  expect([first.users.length, first.sent.owed.size]).toEqual([TOLD_AT_ONCE, 150])
  const second = answer(partsOf(0, first.sent))
  const third = answer(partsOf(0, second.sent))
  expect(new Set([...first.users, ...second.users, ...third.users]).size).toBe(250)
  expect(third.sent.owed.size).toBe(0)
  expect(answer(partsOf(0, third.sent)).users).toEqual([])
})

it('puts those who were not reached behind the others', () => {
  const first = answer(partsOf(150), () => false)
  expect([first.users.length, first.sent.owed.size]).toEqual([0, 150])
  const second = answer(partsOf(0, first.sent))
  expect(second.users.slice(0, 50)).toEqual(Array.from({ length: 50 }, (_, n) => nameOf(n + 100)))
})

it('ends an answer that has become long', () => {
  const long = answer(partsOf(60), () => true, 'x'.repeat(60_000))
  expect(long.users.length).toBeLessThan(12)
  expect(long.users.length + long.sent.owed.size).toBe(60)
})

it('owes no more than a bound, and remembers no more', () => {
  expect(answer(partsOf(3_000), () => false).sent.owed.size).toBe(MOST_OWED)
  let sent: SentProfiles = { fields: undefined, whole: new Set(), owed: new Map() }
  for (let round = 0; round * TOLD_AT_ONCE < MOST_WHOLE + 300; round += 1) {
    const people = Array.from({ length: TOLD_AT_ONCE }, (_, n) => nameOf(round * TOLD_AT_ONCE + n))
    sent = { ...sent, owed: new Map(people.map((userId) => [userId, { whole: true, changed: new Set() }])) }
    sent = answer(partsOf(0, sent)).sent
  }
  expect(sent.whole.size).toBe(MOST_WHOLE)
  expect(sent.whole.has(nameOf(0))).toBe(false)
})

it('is the same state where nothing was told, and comes back as it was stored', () => {
  const { sent } = answer(partsOf(150))
  expect(answer(partsOf(0, { ...sent, owed: new Map() })).users).toEqual([])
  const idle: SentProfiles = { fields: ['m.tz'], whole: new Set([nameOf(1)]), owed: new Map() }
  const parts = partsOf(0, idle, { asked: { fields: ['m.tz'] } })
  expect(tellProfiles(parts, dueProfiles(parts), []).sent).toBe(idle)
  expect(profilesFrom(JSON.parse(JSON.stringify(storedProfiles(sent))))).toEqual(sent)
})

it('asks for nobody of another server', () => {
  const mark = { userId: '@bob:elsewhere.example', pos: 1, field: 'm.tz', task: { room } }
  const { news } = partsOf(0)
  expect(dueProfiles(partsOf(0, undefined, { news: { ...news, profiles: [mark] } })).size).toBe(0)
})
