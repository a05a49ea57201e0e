/** What the marks of keys, objects, Postgres and Redis say together: which belong to one server, and what was restored. */
import { describe, expect, it } from 'vitest'
import type { Keys } from '../../local/keys.ts'
import { type Mark, nextGeneration, type Parts, requireOwnPostgres, settle } from '../../local/parts.ts'

const NOW = 1_700_000_000_000
const OURS = 'i_ours'

const mark = (more: Partial<Mark> = {}): Mark => ({ id: OURS, generation: 0, starts: 3, ...more })

interface Found {
  objects?: Mark | undefined
  postgres?: Mark | undefined
  redis?: Mark | undefined
  hasUsers?: boolean
  hasAccounts?: boolean
}

/** Parts of one server that has accounts, but for what is given. */
function parts(found: Found = {}): Parts {
  const { objects, postgres, redis } = { objects: mark(), postgres: mark(), redis: mark(), ...found }
  const { hasUsers = true, hasAccounts = true } = found
  const part = (name: string, own: Mark | undefined) => ({
    name,
    remedy: `mend ${name}`,
    mark: own,
    write: async () => {},
  })
  return {
    objects: { ...part('The folder', objects), used: true, hasUsers: () => hasUsers },
    postgres: {
      ...part('The Postgres', postgres),
      hasAccounts,
      hasSigned: true,
      whereAccountsAre: 'move it',
    },
    redis: part('The Redis', redis),
  }
}

const keys = (instance_id: string | undefined = OURS) => ({ instance_id }) as Keys
const settled = (found: Found, ours = keys()) => settle(ours, parts(found), NOW)

describe('the parts of a server', () => {
  it('agree where each carries its id', () => {
    expect(settled({})).toEqual({ id: OURS, generation: 0, starts: 3, restored: false })
  })

  it.each(['objects', 'postgres', 'redis'] as const)('get the id that only their %s lack', (part) => {
    // Accounts without a mark are those of an earlier version, or of a backup: they need users' objects that agree.
    const found = { [part]: undefined, hasAccounts: part !== 'postgres' }
    expect(settled({ ...found, hasUsers: false })).toMatchObject({ id: OURS, restored: false })
  })

  it.each([
    ['objects', 'The folder'],
    ['postgres', 'The Postgres'],
    ['redis', 'The Redis'],
  ])('are refused with the %s of another', (part, name) => {
    expect(() => settled({ [part]: mark({ id: 'i_another' }) })).toThrow(
      `${name} belongs to another server (i_another, and this one is ${OURS}): mend ${name}`,
    )
  })

  it('take the id of the objects where the keys have none, as an earlier version left them', () => {
    expect(settled({}, { ...keys(), instance_id: undefined } as Keys).id).toBe(OURS)
  })

  it('are refused if the accounts of its users are elsewhere', () => {
    const lost =
      'The Postgres is empty, but the data folder holds rooms and users whose accounts are elsewhere'
    expect(() => settled({ hasAccounts: false })).toThrow(`${lost}: move it`)
    expect(() => requireOwnPostgres(keys(), parts({ hasAccounts: false }))).toThrow(lost)
    expect(settled({ hasAccounts: false, hasUsers: false }).restored).toBe(false)
  })

  it('are refused with accounts that do not say whose they are, beside objects that do', () => {
    const unmarked = 'The Postgres holds accounts, and does not say of which server'
    expect(() => settled({ postgres: undefined })).toThrow(unmarked)
    expect(() => requireOwnPostgres(keys(), parts({ postgres: undefined }))).toThrow(unmarked)
    expect(settled({ postgres: undefined, objects: undefined }).restored).toBe(false)
  })

  it.each(['objects', 'postgres', 'redis'])(
    'are of a restored server where the %s were started less often',
    (part) => {
      expect(settled({ [part]: mark({ starts: 2, generation: 0 }) })).toEqual({
        id: OURS,
        generation: NOW,
        starts: 3,
        restored: true,
      })
    },
  )
})

describe('the generation after a restore', () => {
  it('is the time, so that it is later than one that no backup knows of', () => {
    expect(nextGeneration(0, NOW)).toBe(NOW)
    expect(nextGeneration(NOW - 1, NOW)).toBe(NOW)
  })

  it('is later than the last one, whatever the clock says', () => {
    expect(nextGeneration(NOW, NOW)).toBe(NOW + 1)
    expect(nextGeneration(NOW + 1_000, NOW)).toBe(NOW + 1_001)
  })
})
