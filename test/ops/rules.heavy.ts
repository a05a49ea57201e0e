/** The rules of Prometheus, by its own checker, and what belongs to each alert. Needs Debian's package prometheus. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { projectRoot } from '../../local/paths.ts'
import { serving } from '../support/serving.ts'
import { alertRules, needingPrometheus, OPS, programOf, RULES } from './prometheus.ts'

const promtool = programOf('promtool')
const run = (...args: string[]) => execFileSync(promtool!, args, { encoding: 'utf8', stdio: 'pipe' })

describe.skipIf(promtool === undefined)(needingPrometheus('promtool'), () => {
  const { server, alice } = serving(['alice'])

  it('takes the configuration and the rules', () => {
    expect(run('check', 'config', join(OPS, 'prometheus/prometheus.yml'))).toContain('SUCCESS')
    for (const file of readdirSync(RULES))
      expect(run('check', 'rules', join(RULES, file))).toContain('SUCCESS')
  })

  it('sees each alert fire when it should, and not otherwise', () => {
    expect(run('test', 'rules', join(OPS, 'prometheus/tests/alerts.test.yml'))).toContain('SUCCESS')
  })

  it('finds nothing to say of /metrics', async () => {
    await alice.say(await alice.createRoom(), 'hello')
    const text = await (await fetch(`${server.url}/metrics`)).text()
    execFileSync(promtool!, ['check', 'metrics'], { input: text, stdio: 'pipe' })
  })
})

describe('each alert', () => {
  const pages = alertRules().map(({ alert, annotations }) => [alert, annotations.runbook] as const)

  it.each(pages)('%s has its page, %s', (alert, page) => {
    expect(existsSync(join(projectRoot, page))).toBe(true)
    const listed = readFileSync(join(projectRoot, 'docs/runbooks/README.md'), 'utf8')
    expect(listed).toContain(`\`${alert}\``)
    expect(readFileSync(join(projectRoot, page), 'utf8')).toContain(`\`${alert}\``)
  })

  it('and no page is left over', () => {
    const known = new Set(pages.map(([, page]) => basename(page)))
    const all = readdirSync(join(projectRoot, 'docs/runbooks')).filter((name) => name !== 'README.md')
    expect(all.filter((name) => !known.has(name))).toEqual([])
  })

  it("is seen to fire in the rules' own tests", () => {
    const { tests } = parse(readFileSync(join(OPS, 'prometheus/tests/alerts.test.yml'), 'utf8')) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts?: unknown[] }[] }[]
    }
    const fired = tests.flatMap(({ alert_rule_test: cases }) =>
      cases.filter(({ exp_alerts }) => exp_alerts !== undefined),
    )
    const quiet = tests.flatMap(({ alert_rule_test: cases }) =>
      cases.filter(({ exp_alerts }) => exp_alerts === undefined),
    )
    for (const cases of [fired, quiet])
      expect(
        pages.map(([alert]) => alert).filter((alert) => !cases.some(({ alertname }) => alertname === alert)),
      ).toEqual([])
  })
})
