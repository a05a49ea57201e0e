/** When the published keys of another system are read: by a clock that stands until it is told. */
import { describe, expect, it } from 'vitest'
import { keySets } from '../../../src/accounts/tokens/key-sets.ts'
import type { KeySetReader } from '../../../src/ports/sign-in.ts'
import { newKey } from '../../support/tokens.ts'
import { standingClock } from '../../support/world.ts'

const [known, later] = await Promise.all([newKey('ES256', 'known'), newKey('ES256', 'later')])
const MINUTE = 60_000

/** Sets at a URL that answer what they are told to; `undefined` stands for nobody there. */
function world() {
  const clock = standingClock()
  const answer: { set: unknown } = { set: { keys: [known.jwk] } }
  const asked: string[] = []
  const reader: KeySetReader = {
    async read(url) {
      asked.push(url)
      if (answer.set === undefined) throw new Error('nobody is there')
      return answer.set
    },
  }
  const sets = keySets(reader, clock)
  const ids = async (kid: string | undefined, url = 'https://a.example') =>
    (await sets.candidates(url, { alg: 'ES256', kid })).map(({ id }) => id)
  return { clock, answer, asked, ids }
}

describe('published keys', () => {
  it('are good for ten minutes without another look', async () => {
    const { clock, asked, ids } = world()
    expect(await ids('known')).toEqual(['known'])
    clock.pass(10 * MINUTE - 1)
    expect(await ids('known')).toEqual(['known'])
    expect(asked).toHaveLength(1)
    clock.pass(1)
    expect(await ids('known')).toEqual(['known'])
    expect(asked).toHaveLength(2)
  })

  it('are read again for a new key, but not twice within ten seconds', async () => {
    const { clock, answer, asked, ids } = world()
    expect(await ids('known')).toEqual(['known'])
    answer.set = { keys: [later.jwk] }
    clock.pass(9_999)
    expect(await ids('later')).toEqual([])
    clock.pass(1)
    expect(await ids('later')).toEqual(['later'])
    expect(await ids('known')).toEqual([])
    expect(asked).toHaveLength(2)
  })

  it('go on for an hour while nobody answers, and no longer', async () => {
    const { clock, answer, asked, ids } = world()
    await ids('known')
    answer.set = undefined
    clock.pass(59 * MINUTE)
    expect(await ids('known')).toEqual(['known'])
    expect(await ids('known')).toEqual(['known'])
    expect(asked).toHaveLength(2)
    clock.pass(MINUTE)
    await expect(ids('known')).rejects.toMatchObject({ errcode: 'M_UNKNOWN', status: 503 })
    answer.set = { keys: [known.jwk] }
    clock.pass(10_000)
    expect(await ids('known')).toEqual(['known'])
  })

  it.each([[null], [[]], [{}], [{ keys: {} }]])(
    'that are %j are none, and what was there goes on',
    async (set) => {
      const { clock, answer, ids } = world()
      await ids('known')
      answer.set = set
      clock.pass(10 * MINUTE)
      expect(await ids('known')).toEqual(['known'])
    },
  )

  it('of one system are no other’s', async () => {
    const { answer, asked, ids } = world()
    await ids('known')
    answer.set = { keys: [later.jwk] }
    expect(await ids('known', 'https://b.example')).toEqual([])
    expect(asked).toEqual(['https://a.example', 'https://b.example'])
  })

  it('are at most 32, and a token without a key’s name may be of any that fits', async () => {
    const { answer, ids } = world()
    const many = Array.from({ length: 40 }, (_, index) => ({ ...known.jwk, kid: `k${index}` }))
    answer.set = { keys: many }
    expect(await ids(undefined)).toEqual(many.slice(0, 32).map(({ kid }) => kid))
    expect(await ids('k32')).toEqual([])
  })

  it('that a cut-off request was reading are read by the next', async () => {
    const clock = standingClock()
    let calls = 0
    const reader: KeySetReader = {
      read() {
        calls += 1
        return calls === 1 ? new Promise(() => undefined) : Promise.resolve({ keys: [known.jwk] })
      },
    }
    const sets = keySets(reader, clock)
    void sets.candidates('https://a.example', { alg: 'ES256' })
    clock.pass(10_000)
    expect(await sets.candidates('https://a.example', { alg: 'ES256' })).toHaveLength(1)
  })
})
