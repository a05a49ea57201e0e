/** All the ways to make a request bad; here those that are about who asks, and how. */
import type { Attack, Expected } from './attack.ts'
import { BODY_ATTACKS } from './attacks-on-bodies.ts'
import { TARGET_ATTACKS } from './attacks-on-targets.ts'

const NO_TOKEN: Expected = { statuses: [401], errcodes: ['M_MISSING_TOKEN'] }
const BAD_TOKEN: Expected = { statuses: [401], errcodes: ['M_UNKNOWN_TOKEN', 'M_MISSING_TOKEN'] }

const ACCESS_ATTACKS: Attack[] = [
  { name: 'nothing wrong', apply: () => ({}) },
  {
    name: 'no token',
    apply(draft) {
      delete draft.headers.authorization
      return draft.operation.needsToken ? NO_TOKEN : {}
    },
  },
  {
    name: 'a token that is none',
    apply(draft, { random }) {
      const { operation, headers } = draft
      if (!operation.needsToken) return undefined
      const [, payload = ''] = headers.authorization?.split('.') ?? []
      const unsigned = `eyJhbGciOiJub25lIn0.${payload}.`
      const tokens = ['Bearer x', 'Bearer', 'Basic eDp4', `Bearer ${unsigned}`, `Bearer ${'a.'.repeat(2000)}`]
      headers.authorization = random.pick(tokens)
      return BAD_TOKEN
    },
  },
  {
    name: 'a method that the path does not know',
    apply(draft, { spec, random }) {
      const known = spec.operations
        .filter(({ path }) => path === draft.operation.path)
        .map(({ method }) => method)
      draft.method = random.pick(
        ['PATCH', 'PUT', 'POST', 'DELETE', 'GET'].filter((name) => !known.includes(name)),
      )
      if (draft.method === 'GET') draft.body = undefined
      // Of push rules other servers say 400 to whatever they do not know, and so do we.
      const statuses = draft.operation.path.includes('/pushrules/') ? [400, 404, 405] : [404, 405]
      return { errcodes: ['M_UNRECOGNIZED'], statuses }
    },
  },
]

export const ATTACKS: Attack[] = [...ACCESS_ATTACKS, ...BODY_ATTACKS, ...TARGET_ATTACKS]
