/** Turns: one at a time, in their order, and not lost with those who have them. */
import { describe, expect, it } from 'vitest'
import { inTurn, inTurnByUser } from '../../../src/media/turns.ts'

/** A clock that stands still until it is set. */
function stopped() {
  let now = 1_000_000
  return {
    now: () => now,
    pass: (ms: number) => {
      now += ms
    },
  }
}

/** Work that ends when it is told. */
function piece(log: string[], name: string) {
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const work = async () => {
    log.push(name)
    await ended
    return name
  }
  return { work, end }
}

describe('a turn', () => {
  it('comes when the one before has ended, and in the order of asking', async () => {
    const turn = inTurn({ waiting: 5, clock: stopped() })
    const log: string[] = []
    const pieces = ['a', 'b', 'c'].map((name) => piece(log, name))
    const all = pieces.map(({ work }) => turn(work))
    for (const [index, { end }] of pieces.entries()) {
      await expect.poll(() => log).toEqual(['a', 'b', 'c'].slice(0, index + 1))
      end()
    }
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c'])
  })

  it('is given back by work that fails', async () => {
    const turn = inTurn({ waiting: 5, clock: stopped() })
    await expect(turn(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await turn(async () => 'next')).toBe('next')
  })

  it('ends by itself if nobody gives it back', async () => {
    const clock = stopped()
    const turn = inTurn({ waiting: 5, clock })
    void turn(() => new Promise(() => {}))
    const next = turn(async () => 'next')
    clock.pass(40_000)
    expect(await next).toBe('next')
  })

  it('is refused if too many wait', async () => {
    const turn = inTurn({ waiting: 1, clock: stopped() })
    const first = piece([], 'a')
    const all = [turn(first.work), turn(async () => 'b'), turn(async () => 'c')]
    expect(await all[2]).toBe('busy')
    first.end()
    expect(await Promise.all(all)).toEqual(['a', 'b', 'busy'])
  })

  it('of one user comes after one turn of each other user', async () => {
    const turn = inTurnByUser({ waiting: 5, clock: stopped() })
    const log: string[] = []
    const first = piece(log, 'a1')
    const note = (name: string) => async () => {
      log.push(name)
    }
    const all = [
      ...[turn('a', first.work), turn('a', note('a2')), turn('a', note('a3'))],
      turn('b', note('b1')),
    ]
    first.end()
    await Promise.all(all)
    expect(log.indexOf('b1')).toBeLessThan(log.indexOf('a3'))
  })
})
