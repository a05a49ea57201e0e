/** Paths and queries that are malformed, oversized, or somebody else's. */
import type { Attack } from './attack.ts'
import type { Cast } from './cast.ts'
import type { Random } from './random.ts'
import { type Draft, queryOf } from './request.ts'
import { deepJson, longText, ODD_NUMBERS, ODD_TEXTS } from './values.ts'

export const TARGET_ATTACKS: Attack[] = [
  {
    name: 'an odd path',
    apply(draft, { random }) {
      const name = variable(draft, random)
      if (name === undefined) return undefined
      const odd = random.pick(ODD_TEXTS).toWellFormed()
      // Without its last part a path is that of another endpoint, as of a list of push rules.
      if (odd === '' && draft.operation.id.endsWith(`{${name}}`)) return undefined
      draft.path[name] = encodeURIComponent(odd)
      return {}
    },
  },
  {
    name: 'a broken percent escape',
    apply(draft, { random }) {
      const name = variable(draft, random)
      if (name === undefined) return undefined
      draft.path[name] = `${draft.path[name]}${random.pick(['%zz', '%', '%f', '%ff', '%c3%28', '%ed%a0%80'])}`
      return { errcodes: ['M_INVALID_PARAM', 'M_UNRECOGNIZED'], mustFail: true }
    },
  },
  {
    name: 'a very long segment',
    apply(draft, { random }) {
      const name = variable(draft, random)
      if (name === undefined) return undefined
      draft.path[name] += random.pick(['a'.repeat(300), 'b'.repeat(8000), encodeURIComponent(longText(400))])
      return {}
    },
  },
  {
    name: 'an odd query',
    apply(draft, { random, cast }) {
      const names = draft.operation.parameters.filter((parameter) => parameter.in === 'query')
      if (names.length === 0) return undefined
      const { name } = random.pick(names)
      const value = random.pick([
        ...ODD_TEXTS,
        ...ODD_NUMBERS.map(String),
        longText(1000),
        '{}',
        '{"a":',
        deepJson(300),
        ...oddTokens(cast),
      ])
      // A poll that is asked to wait for long is allowed to.
      const harmless = name === 'timeout' && Number(value) > 1000 ? '0' : value
      draft.query = [...draft.query.filter((part) => !part.startsWith(`${name}=`)), queryOf(name, harmless)]
      if (random.chance(0.2)) draft.query.push(`${name}=%ff`, `${name}=again`)
      return {}
    },
  },
  {
    name: "another user's things",
    apply(draft, { cast, random }) {
      const { path, operation } = draft
      const isForeign = 'userId' in path && operation.path.includes('/user/{userId}/')
      if ('userId' in path) path.userId = encodeURIComponent(cast.victim.userId)
      if ('roomId' in path && !isForeign) {
        path.roomId = encodeURIComponent(random.chance(0.5) ? cast.privateRoom : cast.sharedRoom)
      }
      if ('roomIdOrAlias' in path) {
        path.roomIdOrAlias = encodeURIComponent(random.pick([cast.privateRoom, cast.victimAlias]))
      }
      if ('eventId' in path)
        path.eventId = encodeURIComponent(random.pick([cast.privateEvent, cast.sharedEvent]))
      if ('roomAlias' in path) path.roomAlias = encodeURIComponent(cast.victimAlias)
      if ('deviceId' in path) path.deviceId = encodeURIComponent(cast.victim.deviceId)
      if ('filterId' in path) path.filterId = encodeURIComponent(cast.victimFilter)
      const isPrivate = path.roomId === encodeURIComponent(cast.privateRoom)
      return {
        mustFail: isForeign || (isPrivate && !OPEN_TO_ALL.some((end) => operation.path.endsWith(end))),
      }
    },
  },
]

/** Says the same for every room, so as not to tell which exist; or only forgets what was never known. */
const OPEN_TO_ALL = ['/report', '/forget', '/directory/list/room/{roomId}']

/** Tokens of sync that are another's, cut, or made up. */
const oddTokens = ({ victimToken, privateRoom }: Cast) => [
  victimToken,
  victimToken.slice(0, -1),
  `${victimToken}~~`,
  `s999999.999999.999999~${privateRoom}:999999`,
  's0.0.0~',
  's-1.-1.-1~x:y',
  's1.2',
  '99999999999999999999',
]

function variable({ path }: Draft, random: Random): string | undefined {
  const names = Object.keys(path)
  return names.length === 0 ? undefined : random.pick(names)
}
