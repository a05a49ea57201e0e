/** User-interactive authentication. */
import { describe, expect, it } from 'vitest'
import {
  type AuthData,
  authenticate,
  type InteractiveOperation,
  type Stage,
} from '../../../src/accounts/interactive-auth.ts'
import type { AccountStore } from '../../../src/ports/accounts.ts'
import type { Ports } from '../../../src/ports/ports.ts'
import { MatrixError } from '../../../src/protocol/errors.ts'
import { memoryUia, world } from '../../support/world.ts'

const secretStage: Stage = ({ secret }) => {
  if (secret === 'open sesame') return { knew: 'it' }
  throw new MatrixError('M_UNAUTHORIZED', 'That is not the secret')
}

const dummy = { type: 'm.login.dummy' }

function setUp(flows: string[][] = [['m.login.dummy']]) {
  const uia = memoryUia()
  const config = { passwordCost: 'low' } as Ports['config']
  const ports = { ...world(), uia, config, accounts: {} as AccountStore }
  const operation: InteractiveOperation = {
    endpoint: 'POST /thing',
    body: { colour: 'red' },
    flows,
    stages: { 'm.login.dummy': () => ({}), secret: secretStage },
  }
  const ask = (auth?: AuthData, changes: Partial<InteractiveOperation> = {}) =>
    authenticate(ports, { ...operation, ...changes }, auth)
  const challenge = async (...args: Parameters<typeof ask>) => {
    const outcome = await ask(...args)
    if (outcome.done) throw new Error('done, where a challenge was expected')
    return outcome.challenge
  }
  return { ask, challenge, uia }
}

describe('interactive auth', () => {
  it('asks first, without errcode, even if there is only a dummy stage', async () => {
    const { challenge } = setUp()
    expect(await challenge()).toEqual({
      flows: [{ stages: ['m.login.dummy'] }],
      params: {},
      session: expect.stringMatching(/^\w{24}$/),
    })
  })

  it('is done in one call by a stage without a session if one stage is enough, and stores nothing', async () => {
    const { ask, uia } = setUp()
    expect(await ask(dummy)).toMatchObject({ done: true })
    expect(uia.writes()).toBe(0)
  })

  it('goes through the stages of a flow in their order, and keeps what they proved', async () => {
    const { ask, challenge } = setUp([['secret', 'm.login.dummy']])
    const { session } = await challenge()
    const early = await challenge({ ...dummy, session })
    expect(early).toMatchObject({ session, errcode: 'M_UNRECOGNIZED' })
    const half = await challenge({ type: 'secret', secret: 'open sesame', session })
    expect(half).toMatchObject({ session, completed: ['secret'] })
    expect(half).not.toHaveProperty('errcode')
    expect(await ask({ ...dummy, session })).toMatchObject({ done: true, session: { facts: { knew: 'it' } } })
  })

  it('tells why a stage failed, and lets it be tried again', async () => {
    const { ask, challenge } = setUp([['secret']])
    const { session } = await challenge()
    const failed = await challenge({ type: 'secret', secret: 'guess', session })
    expect(failed).toMatchObject({ session, errcode: 'M_UNAUTHORIZED', flows: [{ stages: ['secret'] }] })
    expect(failed.completed).toEqual([])
    expect(await ask({ type: 'secret', secret: 'open sesame', session })).toMatchObject({ done: true })
  })

  it('takes a completed stage again, and is over once it is done', async () => {
    const { ask, challenge } = setUp([['secret', 'm.login.dummy']])
    const { session } = await challenge({ type: 'secret', secret: 'open sesame' })
    const again = await challenge({ type: 'secret', secret: 'anything', session })
    expect(again).toMatchObject({ completed: ['secret'] })
    expect(again).not.toHaveProperty('errcode')
    expect(await challenge({ session })).toMatchObject({ completed: ['secret'] })
    expect(await ask({ ...dummy, session })).toMatchObject({ done: true })
    for (const auth of [{ session }, { ...dummy, session }]) {
      const over = await challenge(auth)
      expect(over).toMatchObject({ errcode: 'M_FORBIDDEN', completed: [] })
      expect(over.session).not.toBe(session)
    }
  })

  it('is done for only one of two requests that finish it at once', async () => {
    const { ask, challenge } = setUp()
    const { session } = await challenge()
    const both = await Promise.all([ask({ ...dummy, session }), ask({ ...dummy, session })])
    expect(both.map(({ done }) => done).toSorted()).toEqual([false, true])
  })

  it('holds a session to its password, and remembers it as a hash', async () => {
    const { ask, challenge, uia } = setUp([['secret', 'm.login.dummy']])
    const { session } = await challenge(undefined, { password: 'first' })
    const kept = await uia.get(session)
    expect(kept?.facts.passwordHash).toMatch(/^\$scrypt\$/)
    expect(JSON.stringify(kept)).not.toContain('first')
    const proof = { type: 'secret', secret: 'open sesame', session }
    await expect(ask(proof, { password: 'second' })).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' })
    await challenge(proof, { password: 'first' })
    expect(await ask({ ...dummy, session })).toMatchObject({
      done: true,
      session: { facts: { passwordHash: kept?.facts.passwordHash } },
    })
  })

  it('binds a session to its endpoint and to what was said, but lets a client say more', async () => {
    const { ask, challenge } = setUp()
    const { session } = await challenge(undefined, { body: {} })
    await expect(ask({ ...dummy, session }, { endpoint: 'POST /other' })).rejects.toThrow(/another request/)
    await challenge({ session }, { body: { colour: 'red' } })
    await expect(ask({ ...dummy, session }, { body: { colour: 'blue' } })).rejects.toMatchObject({
      errcode: 'M_FORBIDDEN',
    })
    expect(await ask({ ...dummy, session }, { body: {} })).toMatchObject({
      session: { body: { colour: 'red' } },
    })
  })

  it('begins anew for a session it does not know', async () => {
    const { challenge } = setUp()
    const answer = await challenge({ ...dummy, session: 'gone' })
    expect(answer).toMatchObject({ errcode: 'M_FORBIDDEN' })
    expect(answer.session).not.toBe('gone')
  })

  it.each([
    ['a failure of storage', new MatrixError('M_UNKNOWN', 'Postgres is away', { status: 503 }), 503],
    ['a lack of time for the proof', new MatrixError('M_LIMIT_EXCEEDED', 'Too many at once'), 429],
  ])('does not call %s a failed stage', async (_, error, status) => {
    const { ask } = setUp([['broken']])
    const broken: Stage = () => {
      throw error
    }
    await expect(ask({ type: 'broken' }, { stages: { broken } })).rejects.toMatchObject({ status })
  })
})
