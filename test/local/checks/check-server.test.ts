/** `npm run check:production` and `check:local` on a server that is well, which it leaves as it was. */
import { describe, expect, it } from 'vitest'
import { runScript } from '../../support/command.ts'
import { check, metricsToken } from '../../support/deployment/check.ts'
import { serving } from '../../support/serving.ts'

const { server } = serving([], {
  'metrics-token': metricsToken,
  'rate-limits': 'on',
  'server-name': 'talk.example',
})

describe('a server that is well', () => {
  it('passes the quick checks without a user', async () => {
    const { code, failed, checks, report } = await check(server.url, [])
    expect([code, failed]).toEqual([0, []])
    expect(report).toMatchObject({ plan: 'quick', url: server.url, failed: 0, skipped: 1 })
    expect(new Set(checks.map(({ group }) => group))).toEqual(
      new Set(['endpoints', 'address', 'browsers', 'refusals', 'services', 'latency']),
    )
    expect(checks.at(-1)!.series![0]!.values).toHaveLength(20)
  })

  it('passes all checks here, and is left as it was', async () => {
    const env = { MATRIX_OPENAPI: process.env.MATRIX_OPENAPI ?? '' }
    const { code, failed, checks, report } = await check(
      '',
      ['--full', '--data-dir', server.folder],
      env,
      'local',
    )
    expect([code, failed]).toEqual([0, []])
    expect(report.plan).toBe('full')
    expect(checks.filter(({ group }) => group === 'api').length).toBeGreaterThan(30)
    expect(checks.map(({ name }) => name)).toContain('who asks too often is told when to come again')
    const skipped = checks.filter(({ state }) => state === 'skipped').map(({ name }) => name)
    // What the server does not offer yet is skipped too.
    expect(skipped.filter((name) => !name.includes('timed by the server'))).toEqual([
      'the certificate is trusted, and lasts',
    ])
    expect(
      await server.pg("select localpart from accounts where not deactivated and localpart like 'check-%'"),
    ).toEqual([])
  })

  it.each(['--services', '--api'])('passes %s', async (plan) => {
    const { code, failed } = await check(server.url, [plan])
    expect([code, failed]).toEqual([0, []])
  })

  it('is watched for a while', async () => {
    const { code, failed, checks, stdout } = await check(server.url, [
      '--monitor',
      '--every',
      '1',
      '--for',
      '2',
    ])
    expect([code, failed]).toEqual([0, []])
    expect(stdout).toMatch(/^round 2: /m)
    for (const { series } of checks) expect(series![0]!.values.length).toBeGreaterThanOrEqual(2)
  })
})

describe('options', () => {
  it.each([
    [['production'], '--url is missing'],
    [['production', '--url', 'http://127.0.0.1', '--quick', '--api'], '--quick and --api are both given'],
    [
      ['production', '--url', 'http://127.0.0.1', '--every', '0'],
      '--every must be a whole number from 1 to 3600',
    ],
    [['local', '--data-dir', '/nowhere'], 'no server runs on /nowhere'],
  ])('%j are refused', async (args, sentence) => {
    const ran = await runScript('check-server', args)
    expect(ran.stderr).toContain(sentence)
    expect([ran.code, ran.stdout]).toEqual([expect.toSatisfy((code) => code === 1 || code === 2), ''])
  })
})
