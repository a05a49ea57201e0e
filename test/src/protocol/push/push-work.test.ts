/** The work that push rules may make: it is counted in units, and bounded. */
import { describe, expect, it } from 'vitest'
import { MatchWork } from '../../../../src/protocol/matching/match-work.ts'
import {
  evaluatePush,
  type PushContext,
  type PushEvent,
} from '../../../../src/protocol/push/push-evaluator.ts'
import { context, event, holds, text } from './one-rule.ts'

describe('the work of an evaluation', () => {
  const long = 'a'.repeat(60_000)
  /** The units that are spent on rules with these patterns, and whether one matches. */
  const spentOn = (patterns: string[], of: PushEvent, within: Partial<PushContext> = {}) => {
    const content = patterns.map((pattern) => ({ rule_id: pattern, pattern, actions: ['notify'] }))
    const work = new MatchWork()
    const { notify } = evaluatePush({ content }, of, { ...context, ...within }, work)
    return { notify, spent: work.spent }
  }

  it.each([
    ['stars', `${'a*'.repeat(200)}b`],
    ['question marks', `*${'?'.repeat(1_000)}b`],
    ['question marks and letters', `${'a?'.repeat(400)}b`],
    ['question marks, letters and stars', `${'?a*'.repeat(300)}b`],
    ['a long literal', `${'a'.repeat(1_000)}b`],
    ['a literal with a star behind it', `${'a'.repeat(1_000)}*b`],
    ['a literal with a star before it', `*b${'a'.repeat(1_000)}`],
  ])('stays within its bound for a pattern of %s', (_, pattern) => {
    for (const body of [long, `${long}👍`, `👍${long}`, 'a '.repeat(30_000), 'aaab'.repeat(15_000)]) {
      expect(spentOn([pattern], text(body)).spent).toBeLessThan(300_000)
    }
  })

  it('is one look into a set for each of many keywords', () => {
    const keywords = Array.from({ length: 200 }, (_, n) => `keyword${n}`)
    expect(spentOn(keywords, text(long))).toEqual({ notify: false, spent: expect.any(Number) })
    expect(spentOn(keywords, text(`${'lorem ipsum '.repeat(1_000)}`)).spent).toBeLessThan(1_000)
    expect(spentOn(keywords, text('a keyword199!')).notify).toBe(true)
  })

  it('is one look into a set too for a phrase with a missing word', () => {
    const phrases = Array.from({ length: 200 }, (_, n) => `a phrase of words ${n}`)
    expect(spentOn(phrases, text('a phrase of words '.repeat(800))).spent).toBeLessThan(2_000)
    expect(spentOn(phrases, text('this is a phrase of words 7.')).notify).toBe(true)
  })

  it('leaves rules that need no search to decide when it is used up', () => {
    const evil = Array.from({ length: 300 }, (_, n) => `${'a?'.repeat(400)}${n}`)
    const rules = {
      content: evil.map((pattern) => ({ rule_id: pattern, pattern, actions: [] })),
      underride: [
        {
          rule_id: 'last',
          actions: ['notify'],
          conditions: [{ kind: 'event_match', key: 'type', pattern: 'm.room.message' }],
        },
      ],
    }
    const work = new MatchWork()
    expect(evaluatePush(rules, text(long), context, work).notify).toBe(true)
    expect(work.isOver).toBe(true)
    expect(work.spent).toBeLessThan(400_000)
  })

  it('looks only at the first part of a text', () => {
    expect(spentOn(['needle'], text(`needle ${long}`)).notify).toBe(true)
    expect(spentOn(['needle'], text(`${'hay '.repeat(2_000)}needle`)).notify).toBe(true)
    expect(spentOn(['needle'], text(`${'hay '.repeat(10_000)}needle`)).notify).toBe(false)
  })

  it('is nothing for a pattern of more than 1 KiB, which matches nothing', () => {
    for (const pattern of ['a'.repeat(1_025), 'ä'.repeat(513), `*${'?'.repeat(1_024)}`]) {
      expect(spentOn([pattern], text(long))).toEqual({ notify: false, spent: expect.any(Number) })
      expect(holds({ kind: 'event_match', key: 'content.x', pattern }, event({ x: pattern }))).toBe(false)
      expect(holds({ kind: 'event_match', key: 'content.x', pattern }, event({ x: '' }))).toBe(false)
    }
    expect(spentOn(['a'.repeat(1_024)], text('a'.repeat(1_024))).notify).toBe(true)
  })

  it('is bounded for a name as for a pattern', () => {
    const condition = { kind: 'contains_display_name' }
    for (const name of ['', '*', '?', ' '.repeat(900), 'a'.repeat(5_000), '👍'.repeat(500), '.*.*.*']) {
      const rules = { override: [{ rule_id: 'x', actions: ['notify'], conditions: [condition] }] }
      const work = new MatchWork()
      evaluatePush(rules, text(long), { ...context, displayName: name }, work)
      expect(work.spent).toBeLessThan(100_000)
    }
    const star = (body: string) => holds(condition, text(body), { displayName: 'a*b' })
    expect([star('hey a*b!'), star('hey aXb!')]).toEqual([true, false])
  })

  it('is bounded for paths and lists', () => {
    const key = `content.${'a.'.repeat(400)}b`
    expect(holds({ kind: 'event_match', key, pattern: '*' }, event({ a: {} }))).toBe(false)
    for (const [length, found] of [
      [1_016, true],
      [1_017, false],
    ] as const) {
      const name = 'a'.repeat(length)
      const condition = { kind: 'event_property_is', key: `content.${name}`, value: 1 }
      expect(holds(condition, event({ [name]: 1 }))).toBe(found)
    }
    const list = Array.from({ length: 20_000 }, (_, n) => `${n}`)
    const work = new MatchWork()
    const conditions = Array.from({ length: 60 }, () => ({
      kind: 'event_property_contains',
      key: 'content.list',
      value: 'none',
    }))
    const override = Array.from({ length: 1_000 }, (_, n) => ({ rule_id: `${n}`, actions: [], conditions }))
    evaluatePush({ override }, event({ list }), context, work)
    expect(work.isOver).toBe(true)
    expect(work.spent).toBeLessThan(2_600_000)
  })
})
